import { RefreshError } from '../../errors.ts'
import { type Clock, within } from '../../lib/clock.ts'
import { checkKeys, importKeys, type Key, type Keys, type SealingKey } from './key.ts'

/**
 * The keys of a sealed store. The first seals, all of them open.
 *
 * A function, such as one that asks a key management service, is called when a key is first needed. Its keys are kept for an hour. It is
 * called again at the next write after that, or if a record is sealed with an unknown key. If it throws, or takes 10 s, that is a
 * `store_failed`, and nothing of it is remembered. After 10 s its signal aborts.
 */
export type SealingKeys =
  | readonly SealingKey[]
  | ((context: { readonly signal: AbortSignal }) => readonly SealingKey[] | Promise<readonly SealingKey[]>)

type GiveKeys = Exclude<SealingKeys, readonly SealingKey[]>

/** How long the function's keys are kept. ms */
const KEPT = 3_600_000
/** How old the keys must be before an unknown key id makes us ask for them again. ms */
const SETTLED = 10_000
/** How long the function may take. ms */
const TIMEOUT = 10_000

/** The keys that are known here. */
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
   * The key that seals.
   *
   * @throws RefreshError `store_failed`, `invalid_option`: there is no key yet
   */
  async first(): Promise<Key> {
    // If the function fails, hour-old keys are better than none.
    if (this.#isOlderThan(KEPT)) await this.#renew().catch(() => undefined)
    const [first] = this.#held?.keys ?? (await this.#renew())
    return first
  }

  /**
   * The key of that id; undefined if there is none.
   *
   * @throws RefreshError `store_failed`, `invalid_option`: it cannot be told
   */
  async find(id: string): Promise<Key | undefined> {
    const byId = (keys: Keys): Key | undefined => keys.find((key) => key.id === id)
    const known = byId(this.#held?.keys ?? (await this.#renew()))
    // Keys were changed elsewhere.
    return known === undefined && this.#isOlderThan(SETTLED) ? byId(await this.#renew()) : known
  }

  /**
   * The key of that id, asked for anew, where the one that is held does not open what names it: its secret may have been mended.
   *
   * @returns undefined if the keys are too young to be asked for again
   */
  async findAnew(id: string): Promise<Key | undefined> {
    if (!this.#isOlderThan(SETTLED)) return undefined
    return (await this.#renew()).find((key) => key.id === id)
  }

  /** The ids, for an error. */
  get ids(): string {
    return (this.#held?.keys ?? []).map(({ id }) => JSON.stringify(id)).join(', ')
  }

  #isOlderThan(ms: number): boolean {
    // A clock that was set back must not keep the keys for longer.
    return this.#canChange && this.#held !== undefined && Math.abs(this.#clock.now() - this.#held.at) >= ms
  }

  /** Asks the function. A failure is not kept: the next caller asks again. */
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
