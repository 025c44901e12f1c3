import { RefreshError } from '../../errors.ts'
import { libraryCause } from '../../lib/harmless.ts'
import { parseRetryAfter, servedAt } from '../../lib/retry-after.ts'
import { connectionOf } from './connection.ts'

/** What runtimes call a connection that could not be made, or broke. */
const CONNECTION =
  /^(?:ECONN\w+|EPIPE|ETIMEDOUT|ENOTFOUND|EAI_\w+|E(?:HOST|NET)UNREACH|UND_ERR_\w+|REQUEST_SEND_ERROR|TimeoutError|CERT_\w+|\w*SELF_SIGNED\w*|UNABLE_TO_\w+|ERR_TLS_\w+|ERR_SSL_\w+|EPROTO|network_error|endpoints_resolution_error)$/
/** What libraries and commands say without a code. */
const CUT =
  /\bnetwork_error\b|Failed to establish a new connection|\bMax retries exceeded\b|Name or service not known/
/** What google-auth-library says of a success without a token. */
const TOKENLESS = /^Could not refresh access token\.$/m
/** What a refusal is called, and no secret. */
const NAMED = /^[a-z]{2,20}(?:_[a-z]{2,20}){0,4}$/
const LOGIN_NAMES = new Set(['AuthenticationRequiredError', 'InteractionRequiredAuthError'])
/** How far down a chain of causes is looked, and how much of each text. */
const [MOST_CAUSES, MOST_TEXT] = [8, 8_192]

/** Who could not give a token, and what a person can do about it. */
export interface Remedy {
  /** To begin a sentence with. */
  readonly who: string
  readonly logIn: string
  readonly configure: string
  /** What a person's login ends with. */
  readonly login: RegExp
  /** What is said where nobody is logged in, which may be one of several ways to a credential. */
  readonly loggedOut?: RegExp | undefined
}

interface Found {
  readonly name: string
  readonly code: string
  readonly status: number | undefined
  readonly retryAfterMs: number | undefined
  /** OAuth's code, or Entra ID's number. */
  readonly said: string | undefined
  /** All that it says, to be searched and not to be shown. */
  readonly text: string
}

/**
 * What a cloud vendor's library threw, as one of ours. Its own message may quote what was sent: the `cause` holds what is harmless of it. No failure
 * is terminal, for all are mended outside this program: by the vendor's own login, by its configuration, or by time.
 *
 * @param now epoch ms
 * @param isPerson whether a refused grant (`invalid_grant`) is a person's login that has ended. A service account's or a federation's is a
 *   clock that is off or a subject token that is stale, and passes.
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
  // Of several ways to a credential, one that is cut off is no news.
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

/** The system's code and what to look at, but no vendor's words. */
function codeOf(thrown: unknown, chain: readonly Found[]): string {
  const { why } = connectionOf(thrown)
  const isCode = /^(?!ERROR)[A-Z][A-Z\d_]+(?::|$)/.test(why)
  return isCode ? why : (chain.find(({ code }) => CONNECTION.test(code))?.code ?? 'a connection failed')
}

/** Errors, outermost first. */
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

/** Headers are a `Headers`, or a plain object. */
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
