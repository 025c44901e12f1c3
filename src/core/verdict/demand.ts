import type { Verdict } from './unauthorized.ts'

/** Characters: a longer challenge is not read. */
const LONGEST = 8_192
/** The number of scopes that are read from one challenge. */
const MOST = 64

/** The challenge of a response that demands a wider scope (RFC 6750 section 3.1): the token is valid, but lacks a scope. */
export function demandIn(verdict: Verdict | false): string | undefined {
  if (verdict === false || verdict.rejected) return undefined
  const { status, challenge } = verdict
  if (challenge === undefined || challenge.length > LONGEST || (status !== 403 && status !== 401))
    return undefined
  return /\berror\s{0,4}=\s{0,4}"?insufficient_scope\b/i.test(challenge) ? challenge : undefined
}

/** True if another token may help: this one was rejected, or it lacks a scope. */
export function isMendable(verdict: Verdict | false): verdict is Verdict {
  return verdict !== false && (verdict.rejected || demandIn(verdict) !== undefined)
}

/** The scopes that a challenge names. */
export function scopesIn(challenge: string): readonly string[] {
  const [, quoted, bare] =
    /(?:^|[\s,])scope\s{0,4}=\s{0,4}(?:"([^"]{1,4096})"|([^\s,"]{1,256}))/i.exec(
      challenge.slice(0, LONGEST),
    ) ?? []
  const names = (quoted ?? bare ?? '')
    .split(' ')
    .filter((name) => /^[\x21\x23-\x5b\x5d-\x7e]{1,256}$/.test(name))
  return [...new Set(names)].slice(0, MOST)
}
