import type { RefreshError } from '../../../core/errors.ts'
import type { LeaseTable, Row, Subscribe, Taken } from '../../lease-table.ts'
import { type Ask, asking, type PostgresClient } from './client.ts'
import { failure, isPassing } from './failure.ts'
import { encodeKey, topicOf } from './key.ts'
import { listening } from './listen.ts'
import type { TableName } from './name.ts'
import { type Statements, statementsOn } from './statements.ts'

export interface PostgresTableOptions {
  readonly name: TableName
  /** ms */
  readonly lease: number
}

/** Locks and records as rows. Each step is one statement, and a transaction of its own: nothing is held between them. */
export class PostgresTable implements LeaseTable {
  readonly subscribe: Subscribe | undefined
  readonly topic: (key: string) => string = topicOf
  readonly isPassing: (error: unknown) => boolean = isPassing
  readonly #ask: Ask
  readonly #name: TableName
  readonly #lease: string
  readonly #statements: Statements

  /** @throws RefreshError `invalid_option` for what is no client */
  constructor(client: PostgresClient, { name, lease }: PostgresTableOptions) {
    this.#ask = asking(client)
    this.#name = name
    this.#lease = String(lease)
    this.#statements = statementsOn(name.quoted)
    this.subscribe = listening(client, this.#ask, name.channel)
  }

  async read(key: string): Promise<Row | undefined> {
    const [cells] = await this.#ask(this.#statements.read, encodeKey(key))
    return cells && readRow(cells[0], cells[1])
  }

  async take(key: string, owner: string, known: number | undefined, mayTakeOver: boolean): Promise<Taken> {
    const values = [encodeKey(key), owner, this.#lease, known === undefined ? null : String(known)]
    const [cells = []] = await this.#ask(this.#statements.take, ...values, String(mayTakeOver))
    const [type, number, abandoned, revision, record] = cells
    if (type === 'newer') return { type }
    if (type !== 'lock') return { type: 'held', remaining: Number(number ?? 0) }
    return { type, number: Number(number), abandoned: abandoned === 'true', row: readRow(revision, record) }
  }

  async extend(key: string, owner: string): Promise<boolean> {
    const rows = await this.#ask(this.#statements.extend, encodeKey(key), owner, this.#lease)
    return rows.length > 0
  }

  async write(key: string, owner: string, row: Row): Promise<Row> {
    const written = [encodeKey(key), owner, String(row.revision), row.text]
    const [cells = []] = await this.#ask(this.#statements.write, ...written, ...this.#notice(key))
    return readRow(cells[0], cells[1]) ?? row
  }

  async free(key: string, owner: string): Promise<void> {
    await this.#ask(this.#statements.free, encodeKey(key), owner, ...this.#notice(key))
  }

  place(key: string): string {
    return `The record of ${JSON.stringify(key)} in the table ${this.#name.shown}`
  }

  explain(error: unknown): RefreshError {
    return failure(error, this.#name.shown)
  }

  #notice(key: string): [channel: string, topic: string] {
    return [this.#name.channel, topicOf(key)]
  }
}

/** undefined: nothing was ever written. */
function readRow(revision: string | undefined, text: string | undefined): Row | undefined {
  return text === undefined ? undefined : { revision: Number(revision), text }
}
