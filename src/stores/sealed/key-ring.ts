import { RefreshError } from '../../errors.ts'
import { type Clock, within } from '../../lib/clock.ts'
import { checkKeys, importKeys, type Key, type Keys, type SealingKey } from './key.ts'

/**
 * The keys of a sealed store. The first key seals records, and each key can open them.
 *
 * You can give a function, such as one that asks a key management service. The store calls it when it first needs a key, and keeps its keys
 * for an hour. The store calls it again at the next write after that, or if a record is sealed with an unknown key. If the function throws,
 * or takes 10 s, the operation fails with `store_failed`, and the next one calls the function again. After 10 s its signal aborts.
 */
export type SealingKeys =
  | readonly SealingKey[]
  | ((context: { readonly signal: AbortSignal }) => readonly SealingKey[] | Promise<readonly SealingKey[]>)

type GiveKeys = Exclude<SealingKeys, readonly SealingKey[]>

/** ms: how long the function's keys are kept. */
const KEPT = 3_600_000
/** ms: keys must be this old before an unknown key id leads to another call of the function. */
const SETTLED = 10_000
/** ms: how long the function may take. */
const TIMEOUT = 10_000

/** The keys of one store in this process. */
export class KeyRing {
  readonly #ask: () => Promise<Keys>
  readonly #canChange: boolean
  readonly #clock: Clock
  #held: { readonly keys: Keys; readonly at: number } | undefined
  #asking: Promise<Keys> | undefined

  /** @throws RefreshError `invalid_option` */
  constructor(given: SealingKeys, clock: Clock) {
    this.#clock = clock
    this.#canChange = typeof given === 'function'
    if (typeof given === 'function') {
      this.#ask = () => ask(given, clock)
    } else {
      const checked = checkKeys(given)
      this.#ask = () => importKeys(checked)
    }
  }

  /**
   * The key that seals records.
   *
   * @throws RefreshError `store_failed`, `invalid_option`: the function gave no keys, and none are kept
   */
  async first(): Promise<Key> {
    // If the function fails, use the old keys.
    if (this.#isOlderThan(KEPT)) await this.#renew().catch(() => undefined)
    const [first] = this.#held?.keys ?? (await this.#renew())
    return first
  }

  /**
   * The key with an id; undefined if there is none.
   *
   * @throws RefreshError `store_failed`, `invalid_option`: the function gave no keys
   */
  async find(id: string): Promise<Key | undefined> {
    const byId = (keys: Keys): Key | undefined => keys.find((key) => key.id === id)
    const known = byId(this.#held?.keys ?? (await this.#renew()))
    // The key may be newer than our keys, so ask again.
    return known === undefined && this.#isOlderThan(SETTLED) ? byId(await this.#renew()) : known
  }

  /**
   * Asks for the keys again, because the kept key with this id does not open a record. A person may have corrected its secret.
   *
   * @returns undefined if the keys are too young to ask again, or if there is no such key
   */
  async findAnew(id: string): Promise<Key | undefined> {
    if (!this.#isOlderThan(SETTLED)) return undefined
    return (await this.#renew()).find((key) => key.id === id)
  }

  /** The ids of the keys, for a message. */
  get ids(): string {
    return (this.#held?.keys ?? []).map(({ id }) => JSON.stringify(id)).join(', ')
  }

  #isOlderThan(ms: number): boolean {
    // `abs`, so that a clock that was set back does not keep the keys for longer.
    return this.#canChange && this.#held !== undefined && Math.abs(this.#clock.now() - this.#held.at) >= ms
  }

  /** Asks for the keys. After a failure the next caller asks again. */
  #renew(): Promise<Keys> {
    this.#asking ??= this.#ask()
      .then((keys) => {
        this.#held = { keys, at: this.#clock.now() }
        return keys
      })
      .finally(() => (this.#asking = undefined))
    return this.#asking
  }
}

async function ask(give: GiveKeys, clock: Clock): Promise<Keys> {
  const giving = new AbortController()
  const late = (): RefreshError => {
    const error = new RefreshError('store_failed', `'keys' gave no keys within ${TIMEOUT} ms: does it hang?`)
    giving.abort(error)
    return error
  }
  let given: unknown
  try {
    given = await within(clock, TIMEOUT, (async () => give({ signal: giving.signal }))(), late)
  } catch (cause) {
    if (cause instanceof RefreshError) throw cause
    throw new RefreshError('store_failed', "'keys' gave no keys: see the cause.", { cause })
  }
  return importKeys(checkKeys(given))
}
