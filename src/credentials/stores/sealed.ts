import type { Clock } from '../../core/clock.ts'
import { checkOptions, describe, optionError } from '../../core/options.ts'
import type { Change, Store, StoredToken, UpdateOptions } from '../store.ts'
import type { AccessToken } from '../token.ts'
import { isSealed, loadJose, open, seal, unsealed } from './sealed/envelope.ts'
import { KeyRing, type SealingKeys } from './sealed/key-ring.ts'

export type { SealingKeys } from './sealed/key-ring.ts'
export type { SealingKey } from './sealed/key.ts'

/**
 * An option of {@link sealed}: take the tokens that were stored before the store was sealed. They are sealed when they are next
 * written. Leave it out again as soon as all are: until then, whoever can write to the store can plant a token of their own.
 *
 * @example
 * const store = sealed(fileStore(), keys, { [adoptUnsealed]: true })
 */
export const adoptUnsealed: unique symbol = Symbol('llm-refresh.adoptUnsealed')

/** What there is to say of a sealed store besides its keys. */
export interface SealedOptions {
  /** See {@link adoptUnsealed}. Default: such a record is a `store_invalid`. */
  [adoptUnsealed]?: boolean | undefined
  /** Time, for tests to control. */
  clock?: Clock | undefined
}

/**
 * A store whose tokens are encrypted before they are stored, by `jose`, as JWEs with A256GCM (RFC 7516, RFC 7518 section 5.3). What
 * is not hidden: which accounts there are, whether they are logged out, when they are written, and the ids of the keys.
 *
 * A record is sealed with the first key, and opened with that whose id it names. So a new key comes in behind the old one, then
 * in front of it, and the old one may go when everything was written once more: `store.update(key, async (current) => current?.token)`.
 *
 * What cannot be opened is never overwritten by a refresh: it fails with `store_invalid`, as does a login. A logout needs no key, and
 * after it a login succeeds.
 *
 * @param store holds what is sealed
 * @throws RefreshError `invalid_option`; later also where `jose` is not installed, or a function gives no proper keys; `store_failed`
 *   where it fails; `store_invalid` where a record was sealed with another key, changed, moved from another account, or is not sealed
 * @example
 * const store = sealed(fileStore(), [{ id: '2026-11', secret: await readFile('/run/secrets/key', 'utf8') }])
 * const token = credential({ source: oauth({ issuer, clientId }), store, key: 'me@example.com' })
 */
export function sealed(store: Store, keys: SealingKeys, options: SealedOptions = {}): Store {
  const methods: (keyof Store)[] = ['read', 'update', 'delete']
  if (methods.some((method) => typeof store?.[method] !== 'function')) {
    throw optionError('store', `must be a store, such as fileStore(), not ${describe(store)}`)
  }
  checkOptions(options, ['clock'])
  const { clock = { now: () => Date.now() }, [adoptUnsealed]: adopts = false } = options
  if (typeof adopts !== 'boolean') throw optionError('adoptUnsealed', 'must be true or false')
  return new SealedStore(store, new KeyRing(keys, clock), adopts)
}

class SealedStore implements Store {
  readonly #store: Store
  readonly #ring: KeyRing
  readonly #adopts: boolean

  constructor(store: Store, ring: KeyRing, adopts: boolean) {
    this.#store = store
    this.#ring = ring
    this.#adopts = adopts
  }

  async read(key: string): Promise<StoredToken | undefined> {
    const stored = await this.#store.read(key)
    return stored && this.#opened(key, stored)
  }

  async update(key: string, change: Change, options?: UpdateOptions): Promise<StoredToken> {
    /** What was sealed or opened under the lock need not be opened again. */
    const known = new Map<string, AccessToken>()
    const sealing: Change = async (stored, context) => {
      const current = stored && (await this.#opened(key, stored))
      if (stored?.token && current?.token) known.set(stored.token.accessToken, current.token)
      // Before anything is redeemed: what is received then can be sealed.
      const [first] = await Promise.all([this.#ring.first(), loadJose()])
      const token = await change(current, context)
      if (token === undefined) return undefined
      const written = await seal(first, key, token)
      known.set(written.accessToken, token)
      return written
    }
    const stored = await this.#store.update(key, sealing, options)
    const token = stored.token && known.get(stored.token.accessToken)
    return token === undefined ? this.#opened(key, stored) : { token, revision: stored.revision }
  }

  delete(key: string): Promise<void> {
    return this.#store.delete(key)
  }

  async #opened(key: string, { token, revision }: StoredToken): Promise<StoredToken> {
    if (token === undefined) return { token, revision }
    if (isSealed(token)) return { token: await open(token, key, this.#ring), revision }
    if (this.#adopts) return { token, revision }
    throw unsealed(key)
  }
}
