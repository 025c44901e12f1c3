import { RefreshError } from '../../errors.ts'
import { parseJson } from '../../lib/json.ts'
import type { MadeFor, RecordContent, StoredFailure } from '../store.ts'
import { readToken } from '../token.ts'

const FORMAT = 'llm-refresh/token'
const VERSION = 1
/** Levels of nesting: what this version does not know is written back, and no platform writes thousands of levels. */
const DEEPEST = 256

/**
 * A record as text. The key is in it, so that no record can be taken for that of another account. Members that this version does not
 * know are written back as they were read, so that versions can share a store.
 */
export function encodeRecord(key: string, content: RecordContent): string {
  const { token, ...rest } = content
  return `${JSON.stringify({ ...rest, revision: undefined, format: FORMAT, version: VERSION, key, token: token ?? null })}\n`
}

/**
 * @param place where the record was found, for the error
 * @param mending the remedy, for the error
 * @throws RefreshError `store_invalid`, which quotes nothing that was found
 */
export function decodeRecord(
  text: string,
  key: string,
  place: string,
  mending = 'move it away, and log in again.',
): RecordContent {
  const invalid = (what: string): RefreshError =>
    new RefreshError('store_invalid', `${place} ${what} It is left as it is: ${mending}`)
  const parsed = parse(text)
  if (parsed === undefined) throw invalid('is damaged, or was written by another program.')
  const { format, version, key: found } = parsed
  if (format !== FORMAT) throw invalid('was written by another program.')
  if (version !== VERSION) throw invalid('was written by a later version of llm-refresh: upgrade.')
  if (found !== key) throw invalid('is the record of another account.')
  const { format: _f, version: _v, key: _k, revision: _r, token, ...rest } = parsed
  const members = readMembers(rest)
  if (token === null) return Object.assign(members, { token: undefined })
  try {
    return Object.assign(members, { token: readToken(token) })
  } catch {
    throw invalid('holds no token.')
  }
}

/**
 * The members of a record beside its token. A member that makes no sense is left out, and one that this version does not know stays.
 *
 * @param rest the caller's own copy, which is changed: what other versions wrote may be large
 */
export function readMembers(rest: Record<string, unknown>): Omit<RecordContent, 'token'> {
  return Object.assign(rest, {
    session: readCount(rest['session']),
    failure: readFailure(rest['failure']),
    madeFor: readMadeFor(rest['madeFor']),
    triedSeeds: readTexts(rest['triedSeeds']),
  })
}

/** The key of the account whose record this is; undefined if it is no record. */
export function keyOf(text: string): string | undefined {
  const key = parse(text)?.['key']
  return typeof key === 'string' ? key : undefined
}

/** A revision as a store keeps it. undefined for a number that cannot be one: nothing may be redeemed over it. */
export function readRevision(stored: unknown): number | undefined {
  const text = typeof stored === 'number' ? String(stored) : stored
  if (typeof text !== 'string' || !/^(?:0|[1-9]\d{0,15})$/.test(text)) return undefined
  const revision = Number(text)
  return Number.isSafeInteger(revision) ? revision : undefined
}

function parse(text: string): Record<string, unknown> | undefined {
  const value = parseJson(text, DEEPEST)?.value
  return isObject(value) ? value : undefined
}

function readCount(value: unknown): number | undefined {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0 ? value : undefined
}

/** A failure that makes no sense is none: it must not keep anybody from refreshing. */
function readFailure(value: unknown): StoredFailure | undefined {
  if (!isObject(value)) return undefined
  const { code, terminal, at, notBefore, refused, abandoned } = value
  const isSound =
    isTime(at) &&
    (notBefore === undefined || isTime(notBefore)) &&
    (refused === undefined || typeof refused === 'string') &&
    (abandoned === undefined || typeof abandoned === 'boolean')
  return isSound && isCode(code) && typeof terminal === 'boolean'
    ? ({ ...value, code, terminal, at } satisfies StoredFailure)
    : undefined
}

/** epoch ms that a date can tell. */
function isTime(value: unknown): value is number {
  return typeof value === 'number' && Math.abs(value) <= 8.64e15
}

function isCode(value: unknown): value is StoredFailure['code'] {
  return typeof value === 'string' && /^[a-z_]{1,40}$/.test(value)
}

function readMadeFor(value: unknown): MadeFor | undefined {
  if (!isObject(value)) return undefined
  return Object.fromEntries(Object.entries(value).filter(([, part]) => typeof part === 'string'))
}

function readTexts(value: unknown): readonly string[] | undefined {
  if (!Array.isArray(value)) return undefined
  return value.filter((text): text is string => typeof text === 'string').slice(-8)
}

export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
