import { noting } from '../../credential/failure-facts.ts'
import type { AccessToken } from '../../credential/token.ts'
import { canonicalNames } from '../../credential/token/canonical-names.ts'
import { expiryOfOutput, isExpiryName, jwtClaims } from '../../credential/token/expiry.ts'
import { boundedExtra, membersOf } from '../../credential/token/extra.ts'
import { readInstant } from '../../credential/token/instant.ts'
import { isPlaceholder, problemOf, withoutScheme } from '../../credential/token/token-response.ts'
import { RefreshError } from '../../errors.ts'
import { libraryCause } from '../../lib/harmless.ts'
import { field, parseJson } from '../../lib/json.ts'
import { embeddedJson } from './embedded-json.ts'

/** Reads a token from a text that is neither a bare token nor a known kind of JSON. */
export type ParseOutput = (text: string) => AccessToken | string | Promise<AccessToken | string>

/** Facts about a text that holds a token. */
export interface Reading {
  /** The origin of the text, such as 'The file …'. It begins a message. */
  readonly of: string
  /** epoch ms: when the text was written. Lifetimes count from here. */
  readonly since: number
  readonly parse?: ParseOutput | undefined
}

/** Matches the escape sequences that a terminal shows as colours, links and titles. No token contains them. */
// oxlint-disable-next-line no-control-regex
const SHOWN = /\u001B(?:\[[0-?]{0,32}[ -/]{0,8}[@-~]|\][^\u0007\u001B]{0,256}(?:\u0007|\u001B\\))/g
/** Characters. In a longer text only the usual names are looked up. */
const LONGEST_ODD = 65_536
/** A word that a program prints instead of a token when it fails. */
const VERDICT = /^(?:error|failed|unauthori[sz]ed|forbidden|denied|expired|invalid|missing|unknown)[.!:]?$/i
const TOKEN = ['access_token', 'accessToken', 'token', 'Token']
/** Header helpers, such as Claude Code's, print an object of headers. */
const HEADER = ['Authorization', 'authorization']
const NAMES = {
  tokenType: ['token_type', 'tokenType'],
  refreshToken: ['refresh_token', 'refreshToken'],
  scope: ['scope'],
}
const KNOWN: ReadonlySet<string> = /* @__PURE__ */ new Set([...TOKEN, ...Object.values(NAMES).flat()])

/**
 * Reads the token that a text holds: a bare token, or JSON as well-known key helpers print it.
 *
 * @throws RefreshError `source_invalid`. The message shows nothing of the text.
 */
export async function readOutput(text: string, reading: Reading): Promise<AccessToken> {
  const { of, parse } = reading
  if (parse === undefined) return readKnown(text.replaceAll(SHOWN, '').trim(), reading)
  try {
    const parsed = await parse(text)
    return typeof parsed === 'string' ? readBare(parsed, reading) : parsed
  } catch (cause) {
    if (!(cause instanceof RefreshError))
      throw invalid(`${of} could not be parsed: see the cause.`, libraryCause(cause))
    // The program that writes the text is mended outside this process, so the next try may succeed.
    if (!cause.terminal) throw cause
    throw new RefreshError(cause.code, cause.message, {
      cause,
      retryAfterMs: cause.retryAfterMs,
      terminal: false,
    })
  }
}

/**
 * Reads a bare token. If it is a JWT, its `exp` is the expiry (RFC 7519 section 4.1.4), because the token may have been issued a while ago.
 *
 * @throws RefreshError `source_invalid`. The message shows nothing of the text.
 */
export function readBare(text: string, { of, since }: Reading): AccessToken {
  const accessToken = withoutScheme(unquoted(text.trim()))
  // `jq -r` prints `null` for a missing field. A text that begins with `<` is a page for people.
  if (/^(?:|<.*)$/is.test(accessToken) || isPlaceholder(accessToken))
    throw invalid(
      `${of} holds no token: it is empty, a placeholder or a page. What writes it may say why elsewhere, such as on stderr.`,
    )
  if (VERDICT.test(accessToken)) {
    throw invalid(`${of} holds no token, but what looks like an error: run it, or look at it, by hand.`)
  }
  if (/[\r\n]/.test(accessToken)) {
    throw invalid(
      `${of} holds more than one line: a bare token is one line. Give the token alone: the rest may go to stderr.`,
    )
  }
  if (!/^[\x21-\x7e]+$/.test(accessToken)) {
    throw invalid(
      `${of} holds no bare token, which has no spaces and only visible ASCII characters. Is it an error? Else give the token alone.`,
    )
  }
  if (/^[A-Z][A-Z\d_]{2,63}=[^=]/.test(accessToken)) {
    throw invalid(`${of} holds a variable (NAME=value): give the value alone.`)
  }
  return { accessToken, expiresAt: readInstant(jwtClaims(accessToken)?.exp, since) }
}

function unquoted(text: string): string {
  return /^(['"])([^'"]*)\1$/.exec(text)?.[2] ?? text
}

function readKnown(text: string, reading: Reading): AccessToken {
  const printed = parseJson(/^[{["]/.test(text) ? text : '')?.value ?? amongText(text)
  if (printed === undefined) {
    if (/^[{["]/.test(text)) throw invalid(`${reading.of} holds JSON that cannot be read: is it cut off?`)
    return readBare(text, reading)
  }
  if (typeof printed === 'string') return readBare(printed, reading)
  const body = bodyOf(printed, text.length <= LONGEST_ODD)
  const received = {
    tokenType: firstText(body, NAMES.tokenType)?.trim(),
    refreshToken: firstText(body, NAMES.refreshToken),
    scope: firstText(body, NAMES.scope),
    extra: boundedExtra(membersOf(body, isExtra)),
  }
  try {
    const accessToken = firstText(body, TOKEN)
    if (accessToken === undefined) {
      const header = firstText(body, HEADER)
      // The header alone is the token; the other headers are dropped.
      if (header !== undefined && withoutScheme(header.trim()) !== header.trim())
        return readBare(header, reading)
      throw noToken(body, reading.of)
    }
    const bare = readBare(accessToken, reading)
    const problem = problemOf(bare.accessToken, received.tokenType)
    if (problem !== undefined)
      throw invalid(`${reading.of} is no use: ${problem}. Ask what writes it for a bearer token.`)
    return { ...bare, expiresAt: expiryOfOutput(body, reading.since) ?? bare.expiresAt, ...received }
  } catch (error) {
    const isLost = error instanceof RefreshError && received.refreshToken !== undefined
    throw isLost ? noting(error, { reach: 'accepted', received }) : error
  }
}

/** Whether a member is stored beside the token. Helpers may print whole files of credentials, so members that look like other secrets are not. */
function isExtra(name: string): boolean {
  return (
    !KNOWN.has(name) &&
    !isExpiryName(name) &&
    !/secret|private|password|key_?data|certificate_?data/i.test(name)
  )
}

/** Finds JSON with a token before or behind a warning. If there are several objects, none counts, because any of them may be the right one. */
function amongText(text: string): unknown {
  if (!text.includes('\n')) return undefined
  const [found, another] = embeddedJson(text)
  const isToken = another === undefined && firstText(bodyOf(found, true), TOKEN) !== undefined
  return isToken ? found : undefined
}

/**
 * The object that holds the token. kubectl's exec plugins put the token under `status`, and `gcloud config config-helper` under `credential`.
 * Files of Claude Code, Codex and others use their own names: there it is the only member with an access token.
 */
function bodyOf(printed: unknown, isSmall: boolean): unknown {
  const only: unknown = Array.isArray(printed) && printed.length === 1 ? printed[0] : printed
  const names =
    field(only, 'kind') === 'ExecCredential'
      ? ['status']
      : ['credential', 'data', 'result', 'response', 'headers']
  const found = names
    .map((name) => field(only, name))
    .concat(isSmall ? onlyHolder(only) : [])
    .find((inner) => typeof inner === 'object' && inner !== null)
  const body = firstText(only, TOKEN) === undefined && found !== undefined ? found : only
  return isSmall && typeof body === 'object' && body !== null ? canonicalNames(body) : body
}

function onlyHolder(printed: unknown): unknown[] {
  const members = [...membersOf(printed, (name) => !/^errors?$/i.test(name))].map(([, member]) => member)
  const holders = members.filter((member) => firstText(member, TOKEN.slice(0, 2)) !== undefined)
  return holders.length === 1 ? holders : []
}

function noToken(body: unknown, of: string): RefreshError {
  if (field(body, 'AccessKeyId') !== undefined) {
    return invalid(`${of} holds AWS keys, which sign requests: use the source aws, or give a token.`)
  }
  if (field(body, 'clientCertificateData') !== undefined) {
    return invalid(`${of} holds a client certificate: give a token instead.`)
  }
  if (['error', 'errors', 'Error'].some((name) => Boolean(field(body, name)))) {
    return invalid(`${of} speaks of an error, in JSON without a token: run it, or look at it, by hand.`)
  }
  return invalid(
    `${of} holds JSON without a token: it has none of ${TOKEN.join(', ')}. Give one of these, or the token alone.`,
  )
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
