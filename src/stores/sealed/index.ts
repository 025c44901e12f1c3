import { isSealedToken } from '../../credential/record/sealed-mark.ts'
import type {
  StoreChange,
  RecordContent,
  Store,
  StoreContext,
  StoredRecord,
  UpdateOptions,
} from '../../credential/store.ts'
import { contentOf, tombstone } from '../../credential/tombstone.ts'
import { RefreshError } from '../../errors.ts'
import { type Clock, platformClock } from '../../lib/clock.ts'
import { aClock, checkedOptions, describe, optionError } from '../../lib/options.ts'
import { isPrintable, printAs } from '../../lib/print/print-as.ts'
import { loadJose, open, seal, unsealed } from './envelope.ts'
import { KeyRing, type SealingKeys } from './key-ring.ts'
import type { Key } from './key.ts'

export type { SealingKeys } from './key-ring.ts'
export type { SealingKey } from './key.ts'
export type { WebCryptoKey } from '../../lib/web-crypto-key.ts'

/**
 * An option of {@link sealedStore}: accept records that were stored before you sealed the store. The next write of a record seals it. Remove
 * the option as soon as all records are sealed: until then, an attacker who can write to the store can plant a token.
 *
 * @example
 * const store = sealedStore(fileStore(), keys, { [adoptUnsealed]: true })
 */
export const adoptUnsealed: unique symbol = Symbol('llm-refresh.adoptUnsealed')

/** Options of a sealed store besides its keys. */
export interface SealedOptions {
  /**
   * See {@link adoptUnsealed}. If false, an unsealed record fails with `store_invalid`.
   * @default false
   */
  [adoptUnsealed]?: boolean | undefined
  /** The source of time, which a test can control. Default: the platform's. */
  clock?: Clock | undefined
}

/**
 * A store that encrypts records before another store keeps them, with `jose`, as JWEs with A256GCM (RFC 7516, RFC 7518 section 5.3). It does
 * not hide the names of the accounts, how often they were logged in and out, when records are written, or the ids of the keys.
 *
 * The first key seals a record. The key whose id the record names opens it. So to replace a key, add the new key behind the old one in all
 * processes, and then move it to the front. Remove the old key when each record was written once more:
 * `store.update(key, async (current) => current)`.
 *
 * A refresh never overwrites a record that cannot be opened: it fails with `store_invalid`, and so does a login. A logout needs no key, and
 * a login after it succeeds.
 *
 * @param store the store that keeps the sealed records
 * @throws RefreshError `invalid_option`, later also if `jose` is not installed or a function returns invalid keys; `store_failed` if that
 *   function fails; `store_invalid` if a record was sealed with another key, changed, moved from another account, or is not sealed
 * @example
 * const store = sealedStore(fileStore(), [{ id: '2026-11', secret: await readFile('/run/secrets/key', 'utf8') }])
 * const credential = createCredential({ source: oauth({ issuer, clientId }), store, key: 'me@example.com' })
 */
export function sealedStore(store: Store, keys: SealingKeys, options: SealedOptions = {}): Store {
  const methods: (keyof Store)[] = ['read', 'update', 'replace', 'delete']
  if (methods.some((method) => typeof store?.[method] !== 'function')) {
    throw optionError('store', `must be a store, such as fileStore(), not ${describe(store)}`)
  }
  const named: Pick<SealedOptions, 'clock'> = options
  const { clock } = checkedOptions(named, { clock: [aClock, platformClock] })
  const { [adoptUnsealed]: adopts = false } = options
  if (typeof adopts !== 'boolean') throw optionError('adoptUnsealed', 'must be true or false')
  return new SealedStore(store, new KeyRing(keys, clock), adopts)
}

/** The number of tries of a replacement, each of which fails if another write comes between. */
const MOST_TRIES = 100

class SealedStore implements Store {
  readonly findings: Store['findings']
  readonly #store: Store
  readonly #ring: KeyRing
  readonly #adopts: boolean

  constructor(store: Store, ring: KeyRing, adopts: boolean) {
    this.#store = store
    this.#ring = ring
    this.#adopts = adopts
    // Show the inner store only if it decides itself what it shows: a user's own store may hold a client with a password.
    printAs(this, 'SealedStore', () => (isPrintable(store) ? { store } : {}))
    this.findings = store.findings && (() => store.findings?.() ?? [])
  }

  async read(key: string): Promise<StoredRecord | undefined> {
    const stored = await this.#store.read(key)
    return stored && this.#opened(key, stored)
  }

  async update(key: string, change: StoreChange, options?: UpdateOptions): Promise<StoredRecord> {
    /** The content of each record that was sealed or opened under the lock, so that it need not be opened again. */
    const known = new Map<string, RecordContent>()
    const sealing: StoreChange = async (stored, context) => {
      const current = stored && (await this.#opened(key, stored))
      if (stored?.token && current) known.set(stored.token.accessToken, contentOf(current))
      // Get the key before the change redeems a refresh token: without a key the new token could not be sealed.
      const [first] = await Promise.all([this.#ring.first(), loadJose()])
      const content = await change(current, withFailure(context, current))
      if (content === undefined) return undefined
      const written = await this.#sealed(key, content, first)
      if (written.token) known.set(written.token.accessToken, content)
      return written
    }
    const stored = await this.#store.update(key, sealing, options)
    const content = stored.token && known.get(stored.token.accessToken)
    return content === undefined ? this.#opened(key, stored) : { ...content, revision: stored.revision }
  }

  async replace(
    key: string,
    change: (current: StoredRecord | undefined) => RecordContent,
  ): Promise<StoredRecord> {
    let content: RecordContent | undefined
    const stored = await this.#replace(key, async (before) => {
      const opened = before && (await this.#opened(key, before))
      content = change(opened)
      return this.#sealed(key, content)
    })
    // The store returns the record in force, which may be newer than ours.
    return stored.isOurs && content
      ? { ...content, revision: stored.record.revision }
      : this.#opened(key, stored.record)
  }

  /** Works without a key. With a key, the other members of the record stay, such as the list of tried refresh tokens of the configuration. */
  async delete(key: string): Promise<void> {
    await this.#replace(key, async (stored) => {
      try {
        return await this.#sealed(key, tombstone(stored && (await this.#opened(key, stored))))
      } catch {
        return { token: undefined, session: (stored?.session ?? 0) + 1 }
      }
    })
  }

  /**
   * Seals first, because sealing is asynchronous and the change of a replacement is not. Then it writes the sealed record only if the stored
   * record has not changed meanwhile.
   */
  async #replace(
    key: string,
    make: (stored: StoredRecord | undefined) => Promise<RecordContent>,
  ): Promise<{ readonly record: StoredRecord; readonly isOurs: boolean }> {
    let stored = await this.#store.read(key)
    for (let tries = 1; ; tries++) {
      const content = await make(stored)
      const [made, moved] = [revisionOf(stored), { is: false, to: stored }]
      try {
        const record = await this.#store.replace(key, (current) => {
          if (revisionOf(current) === made) return content
          Object.assign(moved, { is: true, to: current })
          throw contested(key)
        })
        return { record, isOurs: record.token?.accessToken === content.token?.accessToken }
      } catch (error) {
        if (!moved.is || tries === MOST_TRIES) throw error
        stored = moved.to
      }
    }
  }

  /** The content as it is stored: sealed, unless it is a tombstone without other members. */
  async #sealed(key: string, content: RecordContent, first?: Key): Promise<RecordContent> {
    const { token, session, ...rest } = content
    const outside = session === undefined ? {} : { session }
    const isPlain =
      token === undefined &&
      Object.values({ ...rest, revision: undefined }).every((member) => member === undefined)
    if (isPlain) return { token: undefined, ...outside }
    return { token: await seal(first ?? (await this.#ring.first()), key, content), ...outside }
  }

  async #opened(key: string, stored: StoredRecord): Promise<StoredRecord> {
    const { token, revision, session, failure } = stored
    if (token !== undefined && isSealedToken(token))
      return { ...(await open(token, key, this.#ring)), revision }
    if (this.#adopts) return stored
    // This is an unsealed tombstone. Take only its session, because any process could have written its other members.
    if (token === undefined && failure === undefined) {
      return { token, ...(session === undefined ? {} : { session }), revision }
    }
    throw unsealed(key)
  }
}

/** The context with the abandoned mark of a sealed failure, which the inner store cannot see. */
function withFailure(context: StoreContext, current: StoredRecord | undefined): StoreContext {
  if (context.abandoned || current?.failure?.abandoned !== true) return context
  const { signal, confirm, sent, mayBeLost } = context
  return {
    signal,
    abandoned: true,
    confirm: confirm && (() => confirm.call(context)),
    sent: sent && (() => sent.call(context)),
    mayBeLost: mayBeLost && (() => mayBeLost.call(context)),
  }
}

function revisionOf(record: StoredRecord | undefined): number {
  return record?.revision ?? 0
}

function contested(key: string): RefreshError {
  const what = `The record of ${JSON.stringify(key)} was changed by other processes each time before it could be replaced`
  return new RefreshError('store_failed', `${what}. Try again.`)
}
