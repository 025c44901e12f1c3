import { RefreshError } from '../../../core/errors.ts'
import type { LeaseTable, Row, Subscribe, Taken } from '../../lease-table.ts'
import type { Connection } from './client.ts'
import { failure, isPassing } from './failure.ts'
import { EXTEND, READ, RELEASE, TAKE, WRITE } from './scripts.ts'

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

  topic(key: string): string {
    return nameOf(key)
  }

  async read(key: string): Promise<Row | undefined> {
    return rowOf(listOf(await this.#run(READ, key)))
  }

  async take(key: string, owner: string, known: number | undefined, mayTakeOver: boolean): Promise<Taken> {
    const reply = await this.#run(TAKE, key, owner, this.#lease, known ?? '', mayTakeOver ? '1' : '0')
    const [type, number, abandoned, ...row] = listOf(reply)
    if (type === 'newer') return { type }
    if (type === 'held') return { type, remaining: Number(number) }
    if (type !== 'lock') throw strange()
    return { type, number: Number(number), abandoned: abandoned === '1', row: rowOf(row) }
  }

  async extend(key: string, owner: string): Promise<boolean> {
    return Number(await this.#run(EXTEND, key, owner, this.#lease)) === 1
  }

  async write(key: string, owner: string, { revision, text }: Row): Promise<Row> {
    const reply = await this.#run(WRITE, key, owner, revision, text, this.#channel, nameOf(key))
    return rowOf(listOf(reply)) ?? { revision, text }
  }

  async free(key: string, owner: string): Promise<void> {
    await this.#run(RELEASE, key, owner, this.#channel, nameOf(key))
  }

  place(key: string): string {
    return `The record in Redis, ${this.#hash(key)},`
  }

  isPassing(error: unknown): boolean {
    return isPassing(error)
  }

  explain(error: unknown): RefreshError {
    return failure(error)
  }

  get #channel(): string {
    return `${this.#prefix}:freed`
  }

  /** A cluster goes by what is in braces. */
  #hash(key: string): string {
    return `${this.#prefix}:{${nameOf(key)}}`
  }

  #run(script: string, key: string, ...args: (string | number)[]): Promise<unknown> {
    return this.#connection.run(script, this.#hash(key), args.map(String))
  }
}

/** As it reads in JSON, where no two keys are the same text, and without braces, which mean something to a cluster. */
function nameOf(key: string): string {
  return JSON.stringify(key)
    .slice(1, -1)
    .replaceAll(/[{}]/gu, (brace) => (brace === '{' ? String.raw`\u007b` : String.raw`\u007d`))
}

/** As texts, whatever a client makes of them: some give bytes, or read what looks like JSON. */
function listOf(reply: unknown): (string | undefined)[] {
  if (Array.isArray(reply)) return reply.map(textOf)
  throw strange()
}

function textOf(value: unknown): string | undefined {
  if (value === null || value === undefined) return undefined
  if (ArrayBuffer.isView(value)) return new TextDecoder().decode(value)
  return typeof value === 'string' ? value : JSON.stringify(value)
}

function strange(): RefreshError {
  return new RefreshError('store_invalid', 'Redis answered with what its scripts do not give.')
}

function rowOf([revision, text]: (string | undefined)[]): Row | undefined {
  return revision === undefined ? undefined : { revision: Number(revision), text: text ?? '' }
}
