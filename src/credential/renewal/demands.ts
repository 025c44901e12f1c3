import type { Audience } from '../../core/audience.ts'
import type { Refreshable } from '../../core/refreshable.ts'
import type { Generation, Snapshot, WaitOptions } from '../../core/refresher.ts'
import { scopesIn } from '../../core/verdict/demand.ts'
import { RefreshError } from '../../errors.ts'
import { abortable } from '../../lib/abortable.ts'
import type { Source } from '../source.ts'
import type { AccessToken } from '../token.ts'

/** The number of demands until the next login. Without a limit, a server that demands a new scope each time would cause endless refreshes. */
const MOST = 16
/** Failures after which the endpoint has not decided about the scope: the next call that lacks the scope causes another request. */
const PASSING =
  /^(?:source_(?:unreachable|unavailable|rate_limited)|refresh_(?:timeout|suspended)|store_failed)$/

type Widened = Promise<Snapshot<AccessToken> | undefined>

/** Handles the scopes that a remote side demands. Until the next login it requests each once. */
export class Demands {
  readonly #source: Source | undefined
  readonly #cell: Refreshable<AccessToken>
  readonly #audience: Audience
  #asked = new Map<string, Widened>()
  #isFull = false
  /** The last request for a scope. Requests run one after another, so that a refusal concerns the scopes of one demand only. */
  #last: Promise<unknown> = Promise.resolve()

  constructor(source: Source | undefined, cell: Refreshable<AccessToken>, audience: Audience) {
    this.#source = source
    this.#cell = cell
    this.#audience = audience
  }

  /** See `Refresher.demand()`. */
  async demand(lacking: Generation, challenge: string, options: WaitOptions = {}): Widened {
    const newer = (found: Snapshot<AccessToken> | undefined): Snapshot<AccessToken> | undefined =>
      found !== undefined && found.generation > lacking.generation ? found : undefined
    const inForce = newer(this.#cell.peek())
    if (inForce !== undefined) return inForce
    const scopes = scopesIn(challenge)
    const key = scopes.toSorted().join(' ')
    const all = this.#asked
    let asked = all.get(key)
    if (asked === undefined) {
      if (all.size >= MOST) return this.#refused(lacking, scopes)
      asked = this.#widened(lacking, scopes, options, () => all.delete(key))
      all.set(key, asked)
    }
    return newer(await abortable(asked, options.signal))
  }

  /** A login or a logout. */
  clear(): void {
    this.#asked = new Map()
    this.#isFull = false
  }

  async #widened(
    lacking: Generation,
    scopes: readonly string[],
    { background }: WaitOptions,
    forget: () => void,
  ): Widened {
    const widen = scopes.length === 0 ? undefined : this.#source?.widen
    this.#tell(lacking, scopes, widen === undefined ? forPerson(scopes) : undefined)
    if (widen === undefined) return undefined
    const [all, before] = [this.#asked, this.#last]
    const asked = before.then(async () => {
      const renew = (): Widened => this.#cell.renew(this.#cell.peek() ?? lacking, { background })
      // A refresh that runs now began without the scope, so wait for its end first.
      if (this.#cell.isRefreshing) await renew().catch(() => undefined)
      if (all !== this.#asked) return this.#cell.peek()
      if (this.#cell.isRefreshing) {
        forget()
        return undefined
      }
      const undo = widen(scopes, this.#cell.peek()?.value.scope)
      try {
        return await renew()
      } catch (error) {
        // The refresh reports its failure by an event. The token in force stays valid.
        undo()
        if (error instanceof RefreshError && PASSING.test(error.code)) forget()
        return undefined
      }
    })
    this.#last = asked.catch(() => undefined)
    return asked
  }

  /** The limit is reached: no further scope is requested. One event reports it. */
  #refused(lacking: Generation, scopes: readonly string[]): undefined {
    if (!this.#isFull) this.#tell(lacking, scopes, tooMany())
    this.#isFull = true
    return undefined
  }

  #tell({ generation }: Generation, scopes: readonly string[], reason: RefreshError | undefined): void {
    this.#audience.tell({ type: 'scope_demanded', generation, scope: scopes.join(' '), reason })
  }
}

function forPerson(scopes: readonly string[]): RefreshError {
  const scope = scopes.join(' ')
  const what = scope === '' ? 'a wider scope, and does not say which' : `the scope '${scope.slice(0, 256)}'`
  const message = `The remote side demands ${what}, and only a person can grant it: log in again, and ask for it besides the scopes that were granted. The token in force stays.`
  return new RefreshError('reauthentication_required', message)
}

function tooMany(): RefreshError {
  const message = `The remote side has demanded ${MOST} different scopes since the last login, and demands another one. No more are asked for until the next login: name those that you need in the option 'scope'. The token in force stays.`
  return new RefreshError('source_refused', message)
}
