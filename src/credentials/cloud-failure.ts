import { RefreshError } from '../core/errors.ts'
import { parseRetryAfter } from '../core/retry-after.ts'

/** What runtimes call a connection that could not be made, or broke. */
const CONNECTION =
  /^(?:ECONN\w+|EPIPE|ETIMEDOUT|ENOTFOUND|EAI_AGAIN|E(?:HOST|NET)UNREACH|UND_ERR_\w+|REQUEST_SEND_ERROR|TimeoutError)$/
/** What a person's login ends with. */
const LOGIN =
  /\binvalid_(?:grant|rapt)\b|\binteraction_required\b|\blogin_required\b|\bAADSTS(?:700082|70043|50173)\b/
const LOGIN_NAMES = new Set(['AuthenticationRequiredError', 'InteractionRequiredAuthError'])
/** How far down a chain of causes is looked. */
const MOST_CAUSES = 6

/** Who could not give a token, and what a person can do about it. */
export interface Remedy {
  /** To begin a sentence with. */
  readonly who: string
  readonly logIn: string
  readonly configure: string
}

/**
 * What a cloud vendor's library threw, as one of ours: its own message stays in the `cause`, for it may quote what was sent.
 *
 * @param now epoch ms
 */
export function cloudFailure(thrown: unknown, { who, logIn, configure }: Remedy, now: number): RefreshError {
  if (thrown instanceof RefreshError) return thrown
  const chain = [...causes(thrown)]
  const failure = (code: RefreshError['code'], what: string, retryAfter?: number): RefreshError =>
    new RefreshError(code, `${who} ${what}`, { cause: thrown, retryAfter })
  if (chain.some(isLoginOver)) return failure('reauthentication_required', `needs a new login: ${logIn}.`)
  const status = chain.map(statusOf).find((found) => found !== undefined)
  const retryAfter = chain.map((error) => retryAfterOf(error, now)).find((found) => found !== undefined)
  if (status === 429) return failure('source_rate_limited', 'asks to wait (429).', retryAfter)
  if (status !== undefined && status >= 500) {
    return failure('source_unavailable', `cannot answer now (${status}).`, retryAfter)
  }
  if (status !== undefined) return failure('source_refused', `refuses (${status}): ${configure}.`)
  if (chain.some(({ code, name }) => CONNECTION.test(String(code)) || CONNECTION.test(String(name)))) {
    return failure('source_unreachable', 'could not be reached.')
  }
  return failure('source_refused', `has no credentials: ${configure}.`)
}

function* causes(thrown: unknown): Iterable<Record<string, unknown>> {
  const seen: unknown[] = [thrown]
  for (let depth = 0; depth < MOST_CAUSES; depth++) {
    const error = seen[depth]
    if (typeof error !== 'object' || error === null) return
    const fields: Record<string, unknown> = {}
    for (const name of [
      'name',
      'message',
      'code',
      'status',
      'statusCode',
      'response',
      'cause',
      'errors',
      'error',
    ]) {
      fields[name] = Reflect.get(error, name)
    }
    yield fields
    const { cause, errors } = fields
    seen.push(cause ?? (Array.isArray(errors) ? errors.at(-1) : undefined))
  }
}

function isLoginOver({ name, message, error }: Record<string, unknown>): boolean {
  return LOGIN_NAMES.has(String(name)) || LOGIN.test(String(message)) || LOGIN.test(String(error))
}

function statusOf({ status, statusCode, response }: Record<string, unknown>): number | undefined {
  const found = [status, statusCode, Reflect.get(Object(response), 'status')]
  return found.find((each): each is number => typeof each === 'number' && each >= 300 && each < 600)
}

/** Headers are a `Headers`, or a plain object. */
function retryAfterOf({ response }: Record<string, unknown>, now: number): number | undefined {
  const headers: unknown = Reflect.get(Object(response), 'headers')
  const get: unknown = Reflect.get(Object(headers), 'get')
  const value: unknown =
    typeof get === 'function'
      ? Reflect.apply(get, headers, ['retry-after'])
      : Reflect.get(Object(headers), 'retry-after')
  return typeof value === 'string' ? parseRetryAfter(value, now) : undefined
}
