import { harmless } from '../../lib/harmless.ts'
import type { ResponseBody } from './response-body.ts'

/** What a response says of an error, by OAuth's names (RFC 6749 section 5.2) or by a vendor's. */
export interface SaidError {
  /** What `error` holds, outermost first: the codes that a verdict may go by. */
  readonly codes: readonly string[]
  /** The name to show: one of the codes, or a vendor's own. */
  readonly name: string | undefined
  /** What it says in words, harmless. */
  readonly words: string | undefined
  /** It speaks of an error, whatever its status. */
  readonly isError: boolean
}

const NONE: SaidError = { codes: [], name: undefined, words: undefined, isError: false }
/** Members that name an error. An object there is looked into. */
const NAMES = 'errorCode error_code errcode error_type Error fault Code code status_code type __type'.split(
  ' ',
)
/** Only with these a response that calls itself a success speaks of an error. */
const TELLING = ['errorCode', 'error_code', 'errcode', 'Error', 'fault']
const WORDS =
  'error_description errorDescription error_message errorMessage errorSummary errmsg message Message msg faultstring detail description title reason'.split(
    ' ',
  )

/** Reads what a response says of an error. Never throws. */
export function errorOf({ fields }: ResponseBody, secrets: readonly string[] = []): SaidError {
  if (fields === undefined) return NONE
  const error = get(fields, 'error')
  const codes = [error, ...['code', 'type', 'status'].map((name) => get(error, name))].filter(isName)
  const named = NAMES.flatMap((name) => namesIn(get(fields, name)))
  // HubSpot's `BAD_REFRESH_TOKEN`; others have a number there, or no more than 'error'.
  const state = get(fields, 'status')
  if (typeof state === 'string' && /^[A-Z][A-Z_]{3,63}$/.test(state)) named.push(state)
  const words = [fields, error, get(fields, 'fault'), get(fields, 'Error'), get(fields, 'detail')]
    .flatMap((from) => WORDS.map((name) => get(from, name)))
    // Some have a sentence where OAuth has a code.
    .concat(isName(error) ? [] : [error])
    .find((text): text is string => typeof text === 'string' && text.trim() !== '')
  return {
    codes,
    name: [...codes, ...named].find((name) => !secrets.includes(name)),
    words: words === undefined ? undefined : harmless(words, secrets) || undefined,
    isError:
      isTelling(error) ||
      get(fields, 'ok') === false ||
      get(fields, 'success') === false ||
      TELLING.some((name) => isTelling(get(fields, name))),
  }
}

function namesIn(value: unknown): string[] {
  const inner = ['code', 'errorcode', 'errorCode', 'Code'].map((name) => get(value, name))
  const deeper = get(get(value, 'detail'), 'errorcode')
  return [value, ...inner, deeper]
    .map((each) => (typeof each === 'number' ? String(each) : each))
    .filter(isName)
}

/** A code, and nothing that may be a secret: words without digits, or a vendor's short number. */
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
