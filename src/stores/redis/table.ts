import type { Finding } from '../../core/events.ts'
import { readRevision } from '../../credential/record/record-format.ts'
import { RefreshError } from '../../errors.ts'
import type { LeaseTable, Row, RowWritten, Subscribe, Taken } from '../shared/lease-table.ts'
import type { Connection } from './client.ts'
import { failure, isPassing, isReply } from './failure.ts'
import { hashOf, nameOf } from './name.ts'
import { listOf, strange } from './reply.ts'
import { EXTEND, READ, RELEASE, SWAP, TAKE, WRITE } from './scripts.ts'

/** Locks and records in Redis: a hash for each account. */
export class RedisTable implements LeaseTable {
  readonly subscribe: Subscribe | undefined
  readonly #connection: Connection
  readonly #prefix: string
  /** ms */
  readonly #lease: number

  constructor(connection: Connection, prefix: string, lease: number) {
    this.#connection = connection
    this.#prefix = prefix
    this.#lease = lease
    const { subscribe } = connection
    this.subscribe = subscribe && ((wake, _, over) => subscribe(this.#channel, wake, over))
  }

  get where(): string {
    const where = this.#connection.where()
    return where === undefined ? 'Redis' : `Redis at ${where}`
  }

  topic(key: string): string {
    return nameOf(key)
  }

  async read(key: string): Promise<Row | undefined> {
    const [revision, text, fence] = listOf(await this.#run(READ, key))
    if (fence !== undefined && readRevision(fence) === undefined) throw this.#poisoned(key)
    return this.#row(key, revision, text)
  }

  async take(key: string, owner: string, known: number | undefined, mayTakeOver: boolean): Promise<Taken> {
    const reply = await this.#ask(TAKE, key, owner, this.#lease, known ?? '', mayTakeOver ? '1' : '0')
    const [type, number, abandoned, revision, text] = reply
    if (type === 'newer') return { type }
    if (type === 'held') return { type, remaining: Number(number) }
    if (type !== 'lock') throw strange()
    const given = readRevision(number)
    if (given === undefined) throw strange()
    return { type, number: given, abandoned: abandoned === '1', row: this.#row(key, revision, text) }
  }

  async extend(key: string, owner: string, number: number): Promise<boolean> {
    const [type] = await this.#ask(EXTEND, key, owner, this.#lease, number)
    if (type !== 'extended' && type !== 'lost') throw strange()
    return type === 'extended'
  }

  async write(key: string, owner: string, { revision, text }: Row): Promise<RowWritten> {
    const reply = await this.#ask(WRITE, key, owner, revision, text, this.#channel, nameOf(key))
    const [type, inForce, record, before] = reply
    const row = this.#row(key, inForce, record)
    if (type !== 'written' || row === undefined) throw strange()
    return { row, before: readRevision(before) ?? 0 }
  }

  async swap(key: string, seen: number, text: string): Promise<Row | undefined> {
    const [type, number] = await this.#ask(SWAP, key, seen, text, this.#channel, nameOf(key))
    if (type === 'changed') return undefined
    const revision = readRevision(number)
    if (type !== 'swapped' || revision === undefined) throw strange()
    return { revision, text }
  }

  async free(key: string, owner: string, abandoned: boolean, number = 0): Promise<void> {
    await this.#run(RELEASE, key, owner, abandoned ? '1' : '0', number, this.#channel, nameOf(key))
  }

  place(key: string): string {
    return `The record in Redis, ${this.#hash(key)},`
  }

  isPassing(error: unknown): boolean {
    return isPassing(error)
  }

  isRefusal(error: unknown): boolean {
    return isReply(error)
  }

  isEnded(): boolean {
    return this.#connection.isEnded()
  }

  explain(error: unknown): RefreshError {
    return failure(error, { where: this.where, isEnded: this.isEnded() })
  }

  findings(): readonly Finding[] {
    return this.#connection.findings(this.#lease)
  }

  get #channel(): string {
    return `${this.#prefix}:freed`
  }

  #hash(key: string): string {
    return hashOf(this.#prefix, key)
  }

  /** @throws RefreshError `store_invalid` if the script has found invalid numbers, and has changed nothing */
  async #ask(script: string, key: string, ...args: (string | number)[]): Promise<(string | undefined)[]> {
    const reply = listOf(await this.#run(script, key, ...args))
    if (reply[0] === 'invalid') throw this.#poisoned(key)
    return reply
  }

  #run(script: string, key: string, ...args: (string | number)[]): Promise<unknown> {
    return this.#connection.run(script, this.#hash(key), args.map(String))
  }

  #row(key: string, revision: string | undefined, text: string | undefined): Row | undefined {
    if (revision === undefined) return undefined
    const number = readRevision(revision)
    if (number === undefined) throw this.#poisoned(key)
    return { revision: number, text: text ?? '' }
  }

  #poisoned(key: string): RefreshError {
    return poisoned(this.place(key), this.#hash(key))
  }
}

/**
 * The error for a number that another program has set and that no number can follow.
 *
 * @param place the place of the record, as the beginning of a sentence
 */
export function poisoned(place: string, hash: string): RefreshError {
  const what =
    'has a revision or a fence that is no whole number below 2^53, so another program has changed it'
  const mending = `correct these two fields, or remove the hash (DEL ${hash}) and log in again`
  return new RefreshError('store_invalid', `${place} ${what}. It is left as it is: ${mending}.`)
}
