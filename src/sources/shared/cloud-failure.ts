import { RefreshError } from '../../errors.ts'
import { libraryCause } from '../../lib/harmless.ts'
import { parseRetryAfter, servedAt } from '../../lib/retry-after.ts'
import { connectionOf } from './connection.ts'

/** Codes and names of a connection that failed or broke, in various runtimes. */
const CONNECTION =
  /^(?:ECONN\w+|EPIPE|ETIMEDOUT|ENOTFOUND|EAI_\w+|E(?:HOST|NET)UNREACH|UND_ERR_\w+|REQUEST_SEND_ERROR|TimeoutError|CERT_\w+|\w*SELF_SIGNED\w*|UNABLE_TO_\w+|ERR_TLS_\w+|ERR_SSL_\w+|EPROTO|network_error|endpoints_resolution_error)$/
/** Messages of libraries and commands that report a failed connection without a code. */
const CUT =
  /\bnetwork_error\b|Failed to establish a new connection|\bMax retries exceeded\b|Name or service not known/
/** The message of google-auth-library for a success without a token. */
const TOKENLESS = /^Could not refresh access token\.$/m
/** The shape of an OAuth error code. No secret has this shape. */
const NAMED = /^[a-z]{2,20}(?:_[a-z]{2,20}){0,4}$/
const LOGIN_NAMES = new Set(['AuthenticationRequiredError', 'InteractionRequiredAuthError'])
/** The most errors of a chain of causes that are read, and the most characters of each text. */
const [MOST_CAUSES, MOST_TEXT] = [8, 8_192]

/** A vendor, and how a person mends its failures. */
export interface Remedy {
  /** The vendor's name, which begins the message. */
  readonly who: string
  readonly logIn: string
  readonly configure: string
  /** Matches an error that says that the person's login has ended. */
  readonly login: RegExp
  /** Matches an error that says that no person is logged in. A login may be one of several ways to get a credential. */
  readonly loggedOut?: RegExp | undefined
}

interface Found {
  readonly name: string
  readonly code: string
  readonly status: number | undefined
  readonly retryAfterMs: number | undefined
  /** OAuth's error code, or Entra ID's error number. */
  readonly said: string | undefined
  /** All texts of the error. They are searched, and never shown. */
  readonly text: string
}

/**
 * Turns an error of a cloud vendor's library into a RefreshError. The vendor's message may quote the request, so the `cause` holds only its
 * harmless part. No such failure is terminal, because each is mended outside this program: by the vendor's own login, by its configuration,
 * or by time.
 *
 * @param now epoch ms
 * @param isPerson whether `invalid_grant` means that a person's login has ended. For a service account or a federation it means that a clock
 *   is off, or that a subject token is stale: that passes.
 */
export function cloudFailure(thrown: unknown, remedy: Remedy, now: number, isPerson = true): RefreshError {
  if (thrown instanceof RefreshError) return thrown
  const { who, logIn, configure, login, loggedOut } = remedy
  const chain = causesOf(thrown, now)
  const failure = (code: RefreshError['code'], what: string, retryAfterMs?: number): RefreshError =>
    new RefreshError(code, `${who} ${what}`, { cause: libraryCause(thrown), retryAfterMs, terminal: false })
  const isGrantRefused = chain.some(({ text }) => /\binvalid_grant\b/.test(text))
  const isOver =
    chain.some(({ name, text }) => LOGIN_NAMES.has(name) || login.test(text)) || (isGrantRefused && isPerson)
  const ended = (): RefreshError =>
    failure('reauthentication_required', `needs a new login: ${logIn}. The next call then goes on by itself.`)
  if (isOver) return ended()
  if (isGrantRefused) {
    return failure(
      'source_unavailable',
      "refuses the grant (invalid_grant): is this machine's clock right, and the subject token or key still good?",
    )
  }
  const status = chain.find((found) => found.status !== undefined)?.status
  const retryAfterMs = chain.find((found) => found.retryAfterMs !== undefined)?.retryAfterMs
  if (status === 429) return failure('source_rate_limited', 'asks to wait (429).', retryAfterMs)
  if (status !== undefined && status >= 500) {
    return failure('source_unavailable', `cannot respond now (${status}).`, retryAfterMs)
  }
  const codes = chain.map(({ said }) => said).filter((said) => said !== undefined)
  if (status !== undefined) {
    const told = [status, ...codes.slice(0, 1)].join(', ')
    return failure('source_refused', `refuses (${told}): ${configure}.`)
  }
  if (loggedOut !== undefined && chain.some(({ text }) => loggedOut.test(text))) return ended()
  if (chain.some(({ text }) => TOKENLESS.test(text))) {
    return failure(
      'source_invalid',
      'responded with a success that holds no token: did a proxy respond in its place?',
    )
  }
  // An aggregate error lists each way to a credential that failed. One of them without a connection tells nothing about the others.
  const isCut = read(thrown, 'errors') === undefined && CUT.test(chain[0]?.text ?? '')
  if (isCut || chain.some(({ code, name }) => CONNECTION.test(code) || CONNECTION.test(name))) {
    return failure('source_unreachable', `could not be reached (${codeOf(thrown, chain)}).`)
  }
  const name = chain
    .map((found) => found.name)
    .find((each) => /^[A-Z]\w{4,63}$/.test(each) && each !== 'Error')
  if (name === 'TypeError' || name === 'SyntaxError') {
    const what = `gave no token that can be read (${name}): did a proxy or a login page respond in its place?`
    return failure('source_invalid', what)
  }
  const told = [name, codes[0]].filter((each) => each !== undefined).join(', ')
  return failure('source_refused', `has no credentials${told === '' ? '' : ` (${told})`}: ${configure}.`)
}

/** The system's error code and our advice on it, without the vendor's words. */
function codeOf(thrown: unknown, chain: readonly Found[]): string {
  const { why } = connectionOf(thrown)
  const isCode = /^(?!ERROR)[A-Z][A-Z\d_]+(?::|$)/.test(why)
  return isCode ? why : (chain.find(({ code }) => CONNECTION.test(code))?.code ?? 'a connection failed')
}

/** The errors of a chain of causes, the outermost first. */
function causesOf(thrown: unknown, now: number): Found[] {
  const chain: Found[] = []
  const found = [thrown]
  for (const error of found) {
    if (typeof error !== 'object' || error === null || chain.length >= MOST_CAUSES) continue
    const response = read(error, 'response')
    const data = [read(response, 'data'), read(error, 'errorResponse')]
    const texts = [error, ...data].flatMap((from) =>
      ['message', 'error', 'code', 'error_description', 'error_subtype', 'errorCode', 'subError'].map(
        (name) => read(from, name),
      ),
    )
    const text = [...texts, data[0]].map(asText).join('\n')
    chain.push({
      name: asText(read(error, 'name')),
      code: asText(read(error, 'code')),
      status: statusOf(error, response),
      retryAfterMs: retryAfterOf(response, now),
      said:
        /\bAADSTS\d{4,8}\b/.exec(text)?.[0] ??
        data.map((from) => asText(read(from, 'error'))).find((code) => NAMED.test(code)),
      text,
    })
    const errors = read(error, 'errors')
    found.push(read(error, 'cause'))
    if (Array.isArray(errors)) found.push(...(errors.slice(-MOST_CAUSES) as unknown[]).toReversed())
  }
  return chain
}

function statusOf(error: object, response: unknown): number | undefined {
  const found = [read(error, 'status'), read(error, 'statusCode'), read(response, 'status')]
  found.push(read(read(error, '$metadata'), 'httpStatusCode'))
  return found.find((each): each is number => typeof each === 'number' && each >= 300 && each < 600)
}

/** `Retry-After`, in ms. The vendor's libraries give headers as a `Headers` or as a plain object. */
function retryAfterOf(response: unknown, now: number): number | undefined {
  const headers = read(response, 'headers')
  const get = read(headers, 'get')
  const header = (name: string): string | undefined => {
    const value: unknown =
      typeof get === 'function' ? Reflect.apply(get, headers, [name]) : read(headers, name)
    return typeof value === 'string' ? value.slice(0, 64) : undefined
  }
  return parseRetryAfter(header('retry-after'), servedAt(header, now))
}

function asText(value: unknown): string {
  return typeof value === 'string' ? value.slice(0, MOST_TEXT) : ''
}

function read(from: unknown, name: string): unknown {
  try {
    return Reflect.get(Object(from), name)
  } catch {
    return undefined
  }
}
