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
 * Joins a second attempt to the parts that the caller already has from the first, so that nothing begins twice and nothing stays open:
 *
 * - The caller gets `stream-start` once, because the same request causes the same warnings.
 * - `response-metadata`, `ping` and `raw` pass. The AI SDK replaces an earlier `response-metadata`.
 * - A block that the first attempt began continues as the second attempt's first block of the same kind. It keeps the id that the caller
 *   knows, and gets the second attempt's `providerMetadata`.
 * - If the second attempt has no such block, we end it before the first content, and replace its metadata with an empty object.
 */
export class Joint {
  #hasStarted = false
  #joins = false
  #begun: BegunBlock[] = []
  /**
   * The id that the caller knows, by the kind and id of the second attempt's block. Two blocks swap their ids, so that no two share one.
   */
  readonly #ids = new Map<string, string>()
  /** The metadata of a continued block's start, by the kind and id of the second attempt's block. The block's next part carries it. */
  readonly #metadata = new Map<string, unknown>()

  /** Records a part that the caller got from the first attempt, before its content. */
  note(part: unknown): void {
    const { type, id, providerMetadata } = fieldsOf(part)
    const kind = STARTS.get(type)
    if (type === 'stream-start') this.#hasStarted = true
    if (kind === undefined || typeof id !== 'string') return
    this.#begun = this.#begun.filter((block) => block.kind !== kind || block.id !== id)
    this.#begun.push({ kind, id, hasMetadata: providerMetadata !== undefined })
  }

  /** Begins the second attempt: all later parts belong to it. */
  join(): void {
    this.#joins = true
  }

  /** The parts that the caller gets instead of this one, up to the commit: none, usually the part itself, or several. */
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
    // Pass an error on unchanged. Without this library, too, it would leave blocks open.
    if (type === 'error') return [part]
    this.#keep(part)
    return [...this.#ends(), this.mend(part)]
  }

  /** True if parts after the commit need another id. */
  get mends(): boolean {
    return this.#ids.size > 0
  }

  /** Gives a part of a continued block the id that the caller knows. */
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

  /** True if this start belongs to a block that the first attempt has already begun. */
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
    // The first attempt's metadata may name a block that the vendor has discarded, so replace it with an empty object.
    const metadata = providerMetadata ?? (block.hasMetadata ? {} : undefined)
    if (metadata !== undefined) this.#metadata.set(`${kind}:${id}`, metadata)
    return true
  }

  /** Do not end the block that this part belongs to. It may continue without a second start, because some models send none. */
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
