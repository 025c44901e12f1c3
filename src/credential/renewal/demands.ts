import type { Audience } from '../../core/audience.ts'
import type { Refreshable } from '../../core/refreshable.ts'
import type { Generation, Snapshot, WaitOptions } from '../../core/refresher.ts'
import { scopesIn } from '../../core/verdict/demand.ts'
import { RefreshError } from '../../errors.ts'
import { abortable } from '../../lib/abortable.ts'
import type { Source } from '../source.ts'
import type { AccessToken } from '../token.ts'

/** Demands that are remembered: a server that demands another scope each time is not followed for ever. */
const MOST = 16

type Widened = Promise<Snapshot<AccessToken> | undefined>

/** Scopes that a remote side demands: each is asked for once, until the next login. */
export class Demands {
  readonly #source: Source | undefined
  readonly #cell: Refreshable<AccessToken>
  readonly #audience: Audience
  readonly #asked = new Map<string, Widened>()

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
    let asked = this.#asked.get(key)
    if (asked === undefined) {
      if (this.#asked.size >= MOST) return undefined
      asked = this.#widened(lacking, scopes, options)
      this.#asked.set(key, asked)
    }
    return newer(await abortable(asked, options.signal))
  }

  /** A login or a logout. */
  clear(): void {
    this.#asked.clear()
  }

  async #widened(lacking: Generation, scopes: readonly string[], { background }: WaitOptions): Widened {
    const { generation } = lacking
    const scope = scopes.join(' ')
    const undo =
      scopes.length === 0 ? undefined : this.#source?.widen?.(scopes, this.#cell.peek()?.value.scope)
    const reason = undo === undefined ? forPerson(scope) : undefined
    this.#audience.tell({ type: 'scope_demanded', generation, scope, reason })
    if (undo === undefined) return undefined
    try {
      return await this.#cell.renew(lacking, { background })
    } catch {
      // The refresh reports the failure. The token in force is as good as before.
      undo()
      return undefined
    }
  }
}

function forPerson(scope: string): RefreshError {
  const what = scope === '' ? 'a wider scope, and does not say which' : `the scope '${scope.slice(0, 256)}'`
  const message = `The remote side demands ${what}, and only a person can grant it: log in again, and ask for it besides the scopes that were granted. The token in force stays.`
  return new RefreshError('reauthentication_required', message)
}
