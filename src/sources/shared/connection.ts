import type { Reach } from '../../credential/failure-facts.ts'
import { harmless, holdsSecret } from '../../lib/harmless.ts'
import { adviceOnConnection } from '../../lib/print/connection-advice.ts'
import { dialledInstead, read, refusedByProxy } from '../../lib/print/dialled.ts'

/** Codes of errors that say that no connection was made, so nothing was sent. */
const UNSENT =
  /^(?:ECONNREFUSED|ENOTFOUND|EAI_\w+|E(?:HOST|NET)UNREACH|ENETDOWN|EADDRNOTAVAIL|EMFILE|ENFILE|UND_ERR_CONNECT_TIMEOUT|ERR_TLS_\w+|ERR_SSL_\w+|EPROTO|CERT_\w+|UND_ERR_PRX_\w+|\w*SELF_SIGNED\w*|UNABLE_TO_\w+|HOSTNAME_MISMATCH|ERR_INVALID_URL|ConnectionRefused|FailedToOpenSocket|DNSException|\w+_CERT_\w+)$/
/** Messages of such errors without a code: of Deno, of undici before it connects, of TLS during its handshake. */
const UNSENT_WORDS =
  /\bclient error \(Connect\)|\bdns error\b|^bad port$|before secure TLS connection was established|\bUnable to connect\b/
/** The most errors of a chain of causes that are read. */
const MOST_CAUSES = 8
/** Characters. */
const LONGEST_CODE = 64

/** Why a request got no response, and whether it was sent. */
export interface BrokenConnection {
  readonly reach: Extract<Reach, 'unsent' | 'broken'>
  /** The system's error code or the platform's words, and our advice on it. */
  readonly why: string
}

/**
 * Tells how far a request got, and why the platform's fetch threw.
 *
 * @param secrets texts that the result must not hold
 * @param host the host of the request, with its port
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

/** The errors of a chain of causes, the outermost first. */
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
