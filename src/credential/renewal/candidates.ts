import type { RefreshError } from '../../errors.ts'
import { abortable } from '../../lib/abortable.ts'
import type { CredentialSettings } from '../options.ts'
import { spentSeed } from '../record/failures.ts'
import type { Source } from '../source.ts'
import type { MadeFor, RecordContent, StoredRecord } from '../store.ts'
import type { AccessToken } from '../token.ts'
import type { Presented } from './failure-memory.ts'
import { fingerprint, isFingerprintOf } from './fingerprint.ts'
import { fitOf, madeForAnother } from './made-for.ts'

/** One refresh token that may be redeemed. */
export interface Candidate {
  /** The source's input. If it has no refresh token, the source redeems its seed. */
  readonly current: AccessToken | undefined
  readonly seed: string | undefined
  /** The issuer and client that the record was made for, if `current` comes from the record. */
  readonly madeFor?: MadeFor | undefined
}

/** Chooses which refresh tokens may be redeemed: the record's, and the seed (the one in the configuration). */
export class Candidates {
  readonly #source: Source
  readonly #settings: CredentialSettings
  /** The seed for which the event `seed_ignored` was sent. */
  #ignored: string | undefined

  constructor(source: Source, settings: CredentialSettings) {
    this.#source = source
    this.#settings = settings
  }

  /** The candidates in the order of redemption. Empty if the seed is spent, or if there is none and another configuration made the record. */
  async of(
    stored: StoredRecord | undefined,
    before: AccessToken | undefined,
    signal: AbortSignal,
  ): Promise<Candidate[]> {
    // The user's function may never return, and the lock must not outlast the flight, so the signal ends the wait.
    const seed = await abortable(Promise.resolve(this.#source.seed?.(signal)), signal)
    const isOther = fitOf(stored, this.#source) === 'other'
    if (isOther && isByItself(this.#source)) return [{ current: undefined, seed: undefined }]
    const own = isOther ? undefined : before
    const isStored = own?.refreshToken !== undefined && own.refreshToken === stored?.token?.refreshToken
    const current = { current: own, ...(isStored && { madeFor: stored?.madeFor }) }
    const isNew = seed !== undefined && !(await isTried(seed, stored?.triedSeeds))
    if (own?.refreshToken === undefined || own.refreshToken === seed) {
      // A seed that was tried before counts as spent. But if the record's last failure may be about this seed, that failure decides.
      const isSpent =
        seed !== undefined &&
        !isNew &&
        (isOther || (own === undefined && !(await this.#isLast(stored, signal))))
      return isSpent || (isOther && seed === undefined) ? [] : [{ ...current, seed }]
    }
    if (!isNew) return [{ ...current, seed: undefined }]
    if (this.#ignored !== seed) this.#settings.audience.tell({ type: 'seed_ignored' })
    this.#ignored = seed
    return [
      { ...current, seed: undefined },
      { current: { ...own, refreshToken: undefined }, seed },
    ]
  }

  /** True if the record's last refusal is about the seed, or if that cannot be told. */
  async #isLast(stored: StoredRecord | undefined, signal: AbortSignal): Promise<boolean> {
    const { refused } = stored?.failure ?? {}
    const presented = this.presented({ current: undefined }, signal)
    return refused === undefined || presented === undefined || isFingerprintOf(refused, await presented())
  }

  /** What the request would present. undefined for a user's own source that redeems no refresh token: only the user knows what it sends. */
  presented(
    { current, madeFor: stored }: Pick<Candidate, 'current' | 'madeFor'>,
    signal: AbortSignal,
  ): Presented | undefined {
    const { presented, madeFor = {} } = this.#source
    const refreshToken = current?.refreshToken
    if (presented === undefined && refreshToken === undefined) return undefined
    let asked: Promise<readonly string[]> | undefined
    return () => {
      asked ??= presented
        ? presented.call(this.#source, { current, signal, madeFor: stored })
        : Promise.resolve([refreshToken ?? '', JSON.stringify(madeFor)])
      return abortable(asked, signal)
    }
  }

  /** The error if no token may be redeemed. */
  none(stored: StoredRecord | undefined): RefreshError {
    const { madeFor = {} } = this.#source
    const isOther = fitOf(stored, this.#source) === 'other'
    return isOther ? madeForAnother(stored?.madeFor ?? {}, madeFor) : spentSeed()
  }
}

/** Whether the source gets tokens without a login. It then ignores a record of another configuration. */
export function isByItself({ spendsRefreshToken, isLocal }: Source): boolean {
  return spendsRefreshToken === false || isLocal === true
}

/** The record's member with the seeds that were tried, including this candidate's. */
export async function seedTried(
  stored: StoredRecord | undefined,
  { seed }: Candidate,
): Promise<Pick<RecordContent, 'triedSeeds'>> {
  if (seed === undefined || (await isTried(seed, stored?.triedSeeds))) return {}
  const made = await fingerprint([seed])
  return made === undefined ? {} : { triedSeeds: [...(stored?.triedSeeds ?? []), made].slice(-8) }
}

/** True if a seed was tried before, in this process or in another. */
async function isTried(seed: string, tried: readonly string[] = []): Promise<boolean> {
  for (const made of tried) if (await isFingerprintOf(made, [seed])) return true
  return false
}
