import { harmless, holdsSecret } from '../../lib/harmless.ts'
import { parameterOf } from './claims.ts'
import type { ResponseBody } from './response-body.ts'

/** The error that a response reports, in OAuth's fields (RFC 6749 section 5.2) or in a vendor's. */
export interface SaidError {
  /** The codes in `error`, outermost first. Only these codes decide whether a login has ended. */
  readonly codes: readonly string[]
  /** The name to show: one of the codes, or a vendor's own code. */
  readonly name: string | undefined
  /** The error's sentence, made safe for a message. */
  readonly words: string | undefined
  /** True if the body reports an error, even with a status of success. */
  readonly isError: boolean
}

const NONE: SaidError = { codes: [], name: undefined, words: undefined, isError: false }
/** Members that name an error. If such a member is an object, its own members are read. */
const NAMES = 'errorCode error_code errcode error_type Error fault Code code status_code type __type'.split(
  ' ',
)
/** In a response with a status of success, only these members (besides `error`) report an error. */
const TELLING = ['errorCode', 'error_code', 'errcode', 'Error', 'fault']
const WORDS =
  'error_description errorDescription error_message errorMessage errorSummary errmsg message Message msg faultstring detail description title reason'.split(
    ' ',
  )

/** Reads the error that a response reports. Never throws. */
export function errorOf({ fields, text }: ResponseBody, secrets: readonly string[] = []): SaidError {
  const shown = (words: string | undefined): string | undefined =>
    words === undefined ? undefined : harmless(words, secrets) || undefined
  if (fields === undefined) return { ...NONE, words: shown(text) }
  const error = get(fields, 'error')
  // ArcGIS puts OAuth's whole error response into its own `error` member.
  const codes = [error, ...['error', 'code', 'type', 'status'].map((name) => get(error, name))].filter(isName)
  // Supabase sends `error_code` and no `error`. Only an authorization server sends codes that begin with 'refresh_token_'.
  const own = get(fields, 'error_code')
  if (isName(own) && own.startsWith('refresh_token_')) codes.push(own)
  // Some servers send a list of errors.
  const listed = ['errors', 'error', 'detail'].map((name) => firstOf(get(fields, name)))
  const named = [fields, ...listed].flatMap((from) => NAMES.flatMap((name) => namesIn(get(from, name))))
  // HubSpot puts `BAD_REFRESH_TOKEN` into `status`. Other servers put a number there, or the word 'error', which say nothing.
  const state = get(fields, 'status')
  if (typeof state === 'string' && /^[A-Z][A-Z_]{3,63}$/.test(state)) named.push(state)
  const words = [fields, error, get(fields, 'fault'), get(fields, 'Error'), get(fields, 'detail'), ...listed]
    .flatMap((from) => WORDS.map((name) => get(from, name)))
    // Some servers put a sentence into `error`, where OAuth has a code.
    .concat(isName(error) ? [] : [error], listed)
    .find((each): each is string => typeof each === 'string' && each.trim() !== '')
  return {
    codes: codes.map((code) => (code === error ? asCode(code) : code)),
    name: [...codes, ...beginningOf(error), ...named].find((name) => !holdsSecret(name, secrets)),
    words: shown(words),
    isError:
      isTelling(error) ||
      listed[0] !== undefined ||
      get(fields, 'ok') === false ||
      get(fields, 'success') === false ||
      TELLING.some((name) => isTelling(get(fields, name))),
  }
}

/** Some servers report an error only in the `WWW-Authenticate` header (RFC 6750 section 3). Its sentence is shown, and ends no login. */
export function challengeOf(headers: Headers, secrets: readonly string[]): SaidError {
  const challenge = (headers.get('www-authenticate') ?? '').slice(0, 2_048)
  const words = parameterOf(challenge, 'error_description')
  return words === undefined ? NONE : { ...NONE, words: harmless(words, secrets) || undefined }
}

/** A code in OAuth's spelling: lower case, with underscores. */
function asCode(given: string): string {
  return given.toLowerCase().replaceAll('-', '_')
}

/** The code before a sentence. Dropbox puts both into `error`: `invalid_client: Invalid client_id`. */
function beginningOf(error: unknown): string[] {
  const [, code] =
    typeof error === 'string' ? (/^([a-z]{2,20}(?:_[a-z]{2,20}){1,4}): /.exec(error) ?? []) : []
  return code === undefined ? [] : [code]
}

function firstOf(value: unknown): unknown {
  return Array.isArray(value) ? (value[0] as unknown) : undefined
}

function namesIn(value: unknown): string[] {
  const inner = ['code', 'errorcode', 'errorCode', 'Code'].map((name) => get(value, name))
  const deeper = get(get(value, 'detail'), 'errorcode')
  return (
    [value, ...inner, deeper]
      .map((each) => (typeof each === 'number' ? String(each) : each))
      // AWS puts a namespace and a `#` before the code.
      .map((each) => (typeof each === 'string' ? each.slice(0, 128).replace(/^[\w.]+#/, '') : each))
      .filter(isName)
  )
}

/** Whether a text is a code and cannot be a secret: words without digits, or a vendor's short number. */
function isName(value: unknown): value is string {
  if (typeof value !== 'string') return false
  return (
    /^(?!.{65})[a-z](?:\.v\d|[a-z_.-])*$/i.test(value) ||
    /^(?:[A-Z]{1,8}\d{2,8}[A-Z]?|-?\d{1,9})$/.test(value)
  )
}

function isTelling(value: unknown): boolean {
  return typeof value === 'object' ? value !== null : Boolean(value) && value !== '0'
}

function get(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null ? Reflect.get(value, name) : undefined
}
