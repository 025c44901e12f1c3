import { fieldsOf, isPrelude } from './part.ts'

type Kind = 'text' | 'reasoning'

/** A block that the first attempt began and did not end. */
interface BegunBlock {
  readonly kind: Kind
  readonly id: string
  readonly hasMetadata: boolean
}

const STARTS: ReadonlyMap<unknown, Kind> = new Map([
  ['text-start', 'text'],
  ['reasoning-start', 'reasoning'],
])
const LATER: ReadonlyMap<unknown, Kind> = new Map([
  ['text-delta', 'text'],
  ['text-end', 'text'],
  ['reasoning-delta', 'reasoning'],
  ['reasoning-end', 'reasoning'],
])

/**
 * Joins a second attempt to what the caller has already got of the first, so that nothing begins twice and nothing stays open:
 *
 * - `stream-start` comes once. The request is the same, and so are its warnings.
 * - `response-metadata`, `ping` and `raw` pass. The AI SDK replaces what an earlier `response-metadata` said.
 * - A block that the first attempt began goes on as the first block of its kind of the second attempt, under the id that the caller
 *   knows, and with the second attempt's `providerMetadata`. A block that the second attempt does not have is ended before its first
 *   content, and what the first attempt said of it is taken back.
 */
export class Joint {
  #hasStarted = false
  #joins = false
  #begun: BegunBlock[] = []
  /** By kind and id: the id that the caller knows for a block. Each renaming goes both ways, so that no two blocks share an id. */
  readonly #ids = new Map<string, string>()
  /** By kind and id of the second attempt: the metadata of a block's start, until a later part of the block carries it. */
  readonly #metadata = new Map<string, unknown>()

  /** Notes a part of the prelude that the caller gets from the first attempt. */
  note(part: unknown): void {
    const { type, id, providerMetadata } = fieldsOf(part)
    const kind = STARTS.get(type)
    if (type === 'stream-start') this.#hasStarted = true
    if (kind === undefined || typeof id !== 'string') return
    this.#begun = this.#begun.filter((block) => block.kind !== kind || block.id !== id)
    this.#begun.push({ kind, id, hasMetadata: providerMetadata !== undefined })
  }

  /** Begins the second attempt: all later parts are its own. */
  join(): void {
    this.#joins = true
  }

  /** The parts that the caller gets for a part up to the commit: none, often the part, or more. */
  read(part: unknown): unknown[] {
    if (!this.#joins) {
      this.note(part)
      return [part]
    }
    const { type } = fieldsOf(part)
    if (type === 'stream-start') {
      if (this.#hasStarted) return []
      this.#hasStarted = true
    }
    if (isPrelude(part)) return this.#goesOn(part) ? [] : [this.mend(part)]
    // An error goes to the caller unchanged: without us, too, it would leave blocks open.
    if (type === 'error') return [part]
    this.#keep(part)
    return [...this.#ends(), this.mend(part)]
  }

  /** True if parts after the commit have to be mended. */
  get mends(): boolean {
    return this.#ids.size > 0
  }

  /** A later part of a block that goes on under the id that the caller knows. */
  mend(part: unknown): unknown {
    const { type, id, providerMetadata } = fieldsOf(part)
    const kind = LATER.get(type) ?? STARTS.get(type)
    if (kind === undefined || typeof id !== 'string' || typeof part !== 'object') return part
    const key = `${kind}:${id}`
    const known = this.#ids.get(key)
    if (known === undefined) return part
    const metadata = providerMetadata ?? this.#metadata.get(key)
    this.#metadata.delete(key)
    return { ...part, id: known, ...(metadata !== undefined && { providerMetadata: metadata }) }
  }

  /** True if a start is that of a block which the first attempt has begun already. */
  #goesOn(start: unknown): boolean {
    const { type, id, providerMetadata } = fieldsOf(start)
    const kind = STARTS.get(type)
    if (kind === undefined || typeof id !== 'string' || this.#ids.has(`${kind}:${id}`)) return false
    const alike = this.#begun.filter((block) => block.kind === kind)
    const block = alike.find((each) => each.id === id) ?? alike[0]
    if (block === undefined) return false
    this.#begun = this.#begun.filter((each) => each !== block)
    this.#ids.set(`${kind}:${id}`, block.id)
    if (!this.#ids.has(`${kind}:${block.id}`)) this.#ids.set(`${kind}:${block.id}`, id)
    // The first attempt's metadata may name a block that no longer exists at the vendor: an empty object replaces it.
    const metadata = providerMetadata ?? (block.hasMetadata ? {} : undefined)
    if (metadata !== undefined) this.#metadata.set(`${kind}:${id}`, metadata)
    return true
  }

  /** A block goes on without a second start, too: some models send none. */
  #keep(part: unknown): void {
    const { type, id } = fieldsOf(part)
    this.#begun = this.#begun.filter((block) => block.kind !== LATER.get(type) || block.id !== id)
  }

  #ends(): unknown[] {
    const ends = this.#begun.map(({ kind, id, hasMetadata }) => ({
      type: `${kind}-end`,
      id,
      ...(hasMetadata && { providerMetadata: {} }),
    }))
    this.#begun = []
    return ends
  }
}
