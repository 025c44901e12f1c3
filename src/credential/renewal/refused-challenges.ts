import { RefreshError } from '../../errors.ts'

/** How many are remembered. */
const MOST = 16

/** Challenges whose demand the endpoint refuses: another refresh for them would be in vain. */
export class RefusedChallenges {
  readonly #known = new Set<string>()

  add(challenge: string): void {
    this.#known.add(challenge)
    for (const oldest of this.#known) {
      if (this.#known.size <= MOST) break
      this.#known.delete(oldest)
    }
  }

  has(challenge: string | undefined): boolean {
    return challenge !== undefined && this.#known.has(challenge)
  }

  /** A login or a logout. */
  clear(): void {
    this.#known.clear()
  }

  error(): RefreshError {
    const message =
      'The authorization server refuses what this API demands in its challenge: the call gets its rejection. Log in with what the API demands, or call another API.'
    return new RefreshError('source_refused', message)
  }
}
