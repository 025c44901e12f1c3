import type { Finding } from '../../core/events.ts'
import { readRevision } from '../../credential/record/record-format.ts'
import { RefreshError } from '../../errors.ts'
import type { LeaseTable, Row, RowWritten, Subscribe, Taken } from '../shared/lease-table.ts'
import { findingsOf } from './client-options.ts'
import { asking } from './client.ts'
import { failure, isEnded, isPassing, isRefusal } from './failure.ts'
import { encodeKey, topicOf } from './key.ts'
import { listening } from './listen.ts'
import type { TableName } from './name.ts'
import { type Statements, statementsOn } from './statements.ts'
import type { Ask, Cells, PostgresClient } from './types.ts'

export interface PostgresTableOptions {
  readonly name: TableName
  /** ms */
  readonly lease: number
  /** ms: how long the server may take to respond. @default 5_000 */
  readonly timeout?: number | undefined
}

/** Locks and records as rows. Each step is one statement and a transaction of its own, so no connection is held between steps. */
export class PostgresTable implements LeaseTable {
  readonly subscribe: Subscribe | undefined
  readonly topic: (key: string) => string = topicOf
  readonly isPassing: (error: unknown) => boolean = isPassing
  readonly isRefusal: (error: unknown) => boolean = isRefusal
  readonly #ask: Ask
  readonly #name: TableName
  readonly #lease: string
  readonly #findings: () => readonly Finding[]
  readonly #statements: Statements

  /** @throws RefreshError `invalid_option` if the argument is no client */
  constructor(client: PostgresClient, { name, lease, timeout = 5_000 }: PostgresTableOptions) {
    this.#ask = asking(client, { silence: Math.min((lease * 2) / 5, timeout), timeout })
    this.#findings = () => findingsOf(client, lease)
    this.#name = name
    this.#lease = String(lease)
    this.#statements = statementsOn(name.quoted)
    this.subscribe = listening(client, this.#ask, name.channel)
  }

  get where(): string {
    return `The table ${this.#name.shown}`
  }

  async read(key: string): Promise<Row | undefined> {
    const [cells] = await this.#ask(this.#statements.read, encodeKey(key))
    if (cells === undefined) return undefined
    const [revision, record, fence] = cells
    const isWhole = [revision, fence].every((number) => readRevision(number) !== undefined)
    if (!isWhole) throw this.#poisoned(key)
    return this.#row(key, revision, record)
  }

  async take(key: string, owner: string, known: number | undefined, mayTakeOver: boolean): Promise<Taken> {
    const values = [owner, this.#lease, known === undefined ? null : String(known), String(mayTakeOver)]
    const [type, number, abandoned, revision, record] = await this.#run(this.#statements.take, key, ...values)
    if (type === 'newer') return { type }
    if (type !== 'lock') return { type: 'held', remaining: Number(number ?? 0) }
    const given = readRevision(number)
    if (given === undefined) throw this.#poisoned(key)
    return { type, number: given, abandoned: abandoned === 'true', row: this.#row(key, revision, record) }
  }

  async extend(key: string, owner: string, number: number): Promise<boolean> {
    const [type] = await this.#run(this.#statements.extend, key, owner, this.#lease, String(number))
    return type === 'extended'
  }

  async write(key: string, owner: string, row: Row): Promise<RowWritten> {
    const values = [owner, String(row.revision), row.text, ...this.#notice(key)]
    const [, revision, record, before] = await this.#run(this.#statements.write, key, ...values)
    return { row: this.#row(key, revision, record) ?? row, before: readRevision(before ?? '0') ?? 0 }
  }

  async swap(key: string, seen: number, text: string): Promise<Row | undefined> {
    const values = [String(seen), text, ...this.#notice(key)]
    const [type, revision] = await this.#run(this.#statements.swap, key, ...values)
    return type === 'swapped' ? this.#row(key, revision, text) : undefined
  }

  async free(key: string, owner: string, abandoned: boolean, number = 0): Promise<void> {
    await this.#run(
      this.#statements.free,
      key,
      owner,
      String(abandoned),
      String(number),
      ...this.#notice(key),
    )
  }

  place(key: string): string {
    return `The record of ${JSON.stringify(key)} in the table ${this.#name.shown}`
  }

  isEnded(error: unknown): boolean {
    return isEnded(error)
  }

  explain(error: unknown): RefreshError {
    return failure(error, this.#name.shown)
  }

  findings(): readonly Finding[] {
    return this.#findings()
  }

  /** @throws RefreshError `store_invalid` if the statement has found invalid numbers, and has changed nothing */
  async #run(statement: string, key: string, ...values: (string | null)[]): Promise<Cells> {
    const [cells = []] = await this.#ask(statement, encodeKey(key), ...values)
    if (cells[0] === 'invalid') throw this.#poisoned(key)
    return cells
  }

  /** undefined if no record was ever written. */
  #row(key: string, revision: string | undefined, text: string | undefined): Row | undefined {
    const number = readRevision(revision)
    if (number === undefined && revision !== undefined) throw this.#poisoned(key)
    return number === undefined || text === undefined ? undefined : { revision: number, text }
  }

  #poisoned(key: string): RefreshError {
    return poisoned(this.place(key))
  }

  #notice(key: string): [channel: string, topic: string] {
    return [this.#name.channel, topicOf(key)]
  }
}

/**
 * The error for a number that another program has set and that no number can follow.
 *
 * @param place the place of the record, as the beginning of a sentence
 */
export function poisoned(place: string): RefreshError {
  const what =
    'has a revision or a fence that is no whole number below 2^53, so another program has changed it'
  const mending = 'correct these two columns, or delete the row and log in again'
  return new RefreshError('store_invalid', `${place} ${what}. It is left as it is: ${mending}.`)
}
