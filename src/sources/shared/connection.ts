import type { Reach } from '../../credential/failure-facts.ts'
import { harmless, holdsSecret } from '../../lib/harmless.ts'
import { adviceOnConnection } from '../../lib/print/connection-advice.ts'
import { dialledInstead, read, refusedByProxy } from '../../lib/print/dialled.ts'

/** No connection was made, so that nothing was sent. */
const UNSENT =
  /^(?:ECONNREFUSED|ENOTFOUND|EAI_\w+|E(?:HOST|NET)UNREACH|ENETDOWN|EADDRNOTAVAIL|EMFILE|ENFILE|UND_ERR_CONNECT_TIMEOUT|ERR_TLS_\w+|ERR_SSL_\w+|EPROTO|CERT_\w+|UND_ERR_PRX_\w+|\w*SELF_SIGNED\w*|UNABLE_TO_\w+|HOSTNAME_MISMATCH|ERR_INVALID_URL|ConnectionRefused|FailedToOpenSocket|DNSException|\w+_CERT_\w+)$/
/** Runtimes without codes say it in words: Deno, undici before it connects, TLS before its handshake is over. */
const UNSENT_WORDS =
  /\bclient error \(Connect\)|\bdns error\b|^bad port$|before secure TLS connection was established|\bUnable to connect\b/
/** How far down a chain of causes is looked. */
const MOST_CAUSES = 8
/** Characters. */
const LONGEST_CODE = 64

/** What is known of a request that was not answered. */
export interface BrokenConnection {
  readonly reach: Extract<Reach, 'unsent' | 'broken'>
  /** The system's code, or the platform's words, and what to look at. */
  readonly why: string
}

/**
 * How far a request got that a platform's fetch gave up, and why.
 *
 * @param secrets what must not come back
 * @param host whom it was for, with the port that it names
 */
export function connectionOf(
  thrown: unknown,
  secrets: readonly string[] = [],
  host?: string,
): BrokenConnection {
  const chain = causesOf(thrown)
  const codes = chain
    .map((error) => read(error, 'code'))
    .filter((code): code is string => typeof code === 'string' && code.length <= LONGEST_CODE)
  const words = chain.map((error) => read(error, 'message')).filter((text) => typeof text === 'string')
  const refusal = refusedByProxy(thrown)
  if (refusal !== undefined) return { reach: 'unsent', why: refusal }
  const isUnsent =
    codes.some((code) => UNSENT.test(code)) ||
    words.some((text) => UNSENT_WORDS.test(text.slice(0, 1024))) ||
    chain.some((error) => read(error, 'syscall') === 'connect')
  const code = codes.find((found) => /^[A-Za-z][\w]{1,63}$/.test(found) && !holdsSecret(found, secrets))
  const advice = adviceOnConnection(code)
  const [last] = words.filter((text) => text !== '').slice(-1)
  const said = harmless(last ?? '', secrets)
  const other = host === undefined ? undefined : dialledInstead(thrown, host)
  const where = other === undefined ? '' : ` at ${other}, the proxy of this machine?`
  return {
    reach: isUnsent ? 'unsent' : 'broken',
    why: [(code ?? (said === '' ? 'no reason is known' : said)) + where, advice].filter(Boolean).join(': '),
  }
}

/** Errors, outermost first. */
function causesOf(thrown: unknown): object[] {
  const chain: object[] = []
  const found = [thrown]
  for (const error of found) {
    if (typeof error !== 'object' || error === null || chain.includes(error)) continue
    if (chain.length >= MOST_CAUSES) break
    chain.push(error)
    const errors = read(error, 'errors')
    found.push(read(error, 'cause'))
    if (Array.isArray(errors)) found.push(...(errors.slice(0, MOST_CAUSES) as unknown[]))
  }
  return chain
}
