import type { Lane } from './lane.ts'

/** What a lane's run amounts to. */
export interface Summary {
  readonly name: string
  readonly done: number
  readonly failed: number
  /** 401s that a finished chat met and its caller did not see. */
  readonly absorbed: number
  readonly refreshes: number
  readonly expiries: number
  /** Refreshes that the authorization server refused. */
  readonly refused: number
  /** ms; undefined if no chat was done. */
  readonly p50: number | undefined
  /** ms; undefined if no chat was done. */
  readonly p95: number | undefined
  /** When the login was found lost, in ms since the start. */
  readonly lostAt: number | undefined
}

/** @param life of an access token, in ms */
export function summarize(
  { name, login, done, failures, absorbed, times, lostAt }: Lane,
  life: number,
): Summary {
  return {
    name,
    done,
    failed: failures.length,
    absorbed,
    refreshes: login.redemptions(),
    expiries: countExpiries(login.issuedAt(), life),
    refused: login.refused(),
    p50: percentile(times, 0.5),
    p95: percentile(times, 0.95),
    lostAt,
  }
}

/** Whether llm-refresh kept its promise: every chat answered, and at most one refresh an expiry. */
export function keptPromise({ failed, refreshes, expiries }: Summary): boolean {
  return failed === 0 && refreshes <= expiries
}

/**
 * How often the token in force was at its end when the next one was issued. Its last third counts as the end:
 * refreshing ahead happens in the last tenth, and a busy machine blurs the measure. A token issued sooner than
 * that was one too many, and answers no expiry.
 *
 * @param issuedAt epoch ms, oldest first
 * @param life of each token, in ms
 */
export function countExpiries(issuedAt: readonly number[], life: number): number {
  let count = 0
  let [inForceSince = 0] = issuedAt
  for (const at of issuedAt.slice(1)) {
    if (at - inForceSince < (life * 2) / 3) continue
    count++
    inForceSince = at
  }
  return count
}

function percentile(times: readonly number[], share: number): number | undefined {
  const sorted = times.toSorted((one, other) => one - other)
  return sorted[Math.ceil(sorted.length * share) - 1]
}
