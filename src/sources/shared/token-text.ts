import { noting } from '../../credential/failure-facts.ts'
import type { AccessToken } from '../../credential/token.ts'
import { expiryOfOutput, isExpiryName, jwtClaims } from '../../credential/token/expiry.ts'
import { boundedExtra, membersOf } from '../../credential/token/extra.ts'
import { readInstant } from '../../credential/token/instant.ts'
import { problemOf } from '../../credential/token/token-response.ts'
import { RefreshError } from '../../errors.ts'
import { libraryCause } from '../../lib/harmless.ts'
import { field, parseJson } from '../../lib/json.ts'

/** Reads a token out of a text that is neither a bare token nor one of the known kinds of JSON. */
export type ParseOutput = (text: string) => AccessToken | string | Promise<AccessToken | string>

/** How a text is read. */
export interface Reading {
  /** Who printed or holds it, to begin a sentence with. */
  readonly of: string
  /** When it was written, in epoch ms: lifetimes count from here. */
  readonly since: number
  readonly parse?: ParseOutput | undefined
}

const TOKEN = ['access_token', 'accessToken', 'token']
const NAMES = {
  tokenType: ['token_type', 'tokenType'],
  refreshToken: ['refresh_token', 'refreshToken'],
  scope: ['scope'],
}
const KNOWN: ReadonlySet<string> = /* @__PURE__ */ new Set([...TOKEN, ...Object.values(NAMES).flat()])

/**
 * The token that a text holds: the text itself, or JSON as well-known key helpers print it.
 *
 * @throws RefreshError `source_invalid`, which tells nothing of what was read
 */
export async function readOutput(text: string, reading: Reading): Promise<AccessToken> {
  const { of, parse } = reading
  if (parse === undefined) return readKnown(text.trim(), reading)
  try {
    const parsed = await parse(text)
    return typeof parsed === 'string' ? readBare(parsed, reading) : parsed
  } catch (cause) {
    if (!(cause instanceof RefreshError))
      throw invalid(`${of} could not be parsed: see the cause.`, libraryCause(cause))
    // What prints or writes it is mended outside this program: the next try may succeed.
    if (!cause.terminal) throw cause
    throw new RefreshError(cause.code, cause.message, {
      cause,
      retryAfterMs: cause.retryAfterMs,
      terminal: false,
    })
  }
}

/**
 * A bare token. Where it is a JWT, its expiry is what it says (RFC 7519 section 4.1.4): it may have been issued a while ago.
 *
 * @throws RefreshError `source_invalid`, which tells nothing of what was read
 */
export function readBare(text: string, { of, since }: Reading): AccessToken {
  const accessToken = text.trim()
  // What a `jq -r` prints for a field that is not there; and a page for people.
  if (/^(?:|null|none|undefined|<.*)$/is.test(accessToken)) throw invalid(`${of} holds no token.`)
  if (/[\r\n]/.test(accessToken)) throw invalid(`${of} holds more than one line: a bare token is one line.`)
  if (!/^[\x21-\x7e]+$/.test(accessToken)) {
    throw invalid(`${of} holds no bare token, which has no spaces and only visible ASCII characters.`)
  }
  return { accessToken, expiresAt: readInstant(jwtClaims(accessToken)?.exp, since) }
}

function readKnown(text: string, reading: Reading): AccessToken {
  if (!/^[{["]/.test(text)) return readBare(text, reading)
  const printed = readJson(text, reading.of)
  if (typeof printed === 'string') return readBare(printed, reading)
  const body = bodyOf(printed)
  const received = {
    tokenType: firstText(body, NAMES.tokenType)?.trim(),
    refreshToken: firstText(body, NAMES.refreshToken),
    scope: firstText(body, NAMES.scope),
    extra: boundedExtra(membersOf(body, isExtra)),
  }
  try {
    const accessToken = firstText(body, TOKEN)
    if (accessToken === undefined) throw noToken(body, reading.of)
    const bare = readBare(accessToken, reading)
    const problem = problemOf(bare.accessToken, received.tokenType)
    if (problem !== undefined) throw invalid(`${reading.of} is no use: ${problem}.`)
    return { ...bare, expiresAt: expiryOfOutput(body, reading.since) ?? bare.expiresAt, ...received }
  } catch (error) {
    const isLost = error instanceof RefreshError && received.refreshToken !== undefined
    throw isLost ? noting(error, { reach: 'accepted', received }) : error
  }
}

/** What goes along, but no secret of another kind: helpers print whole files of credentials. */
function isExtra(name: string): boolean {
  return (
    !KNOWN.has(name) &&
    !isExpiryName(name) &&
    !/secret|private|password|key_?data|certificate_?data/i.test(name)
  )
}

function readJson(text: string, of: string): unknown {
  const parsed = parseJson(text)
  if (parsed !== undefined) return parsed.value
  throw invalid(`${of} holds JSON that cannot be read.`)
}

/** kubectl's exec plugins put it under `status`, `gcloud config config-helper` under `credential`. */
function bodyOf(printed: unknown): unknown {
  const inner = field(printed, field(printed, 'kind') === 'ExecCredential' ? 'status' : 'credential')
  return typeof inner === 'object' && inner !== null ? inner : printed
}

function noToken(body: unknown, of: string): RefreshError {
  if (field(body, 'AccessKeyId') !== undefined) {
    return invalid(`${of} holds AWS keys, which sign requests: a token is needed.`)
  }
  if (field(body, 'clientCertificateData') !== undefined) {
    return invalid(`${of} holds a client certificate: a token is needed.`)
  }
  return invalid(`${of} holds JSON without a token: it has none of ${TOKEN.join(', ')}. Give 'parse'.`)
}

function firstText(body: unknown, names: readonly string[]): string | undefined {
  for (const name of names) {
    const value = field(body, name)
    if (typeof value === 'string' && value !== '') return value
  }
  return undefined
}

function invalid(message: string, cause?: unknown): RefreshError {
  return new RefreshError('source_invalid', message, cause === undefined ? {} : { cause })
}
