import { RefreshError } from '../../errors.ts'
import { parseJson } from '../../lib/json.ts'
import type { MadeFor, RecordContent, StoredFailure } from '../store.ts'
import { readToken } from '../token.ts'

const FORMAT = 'llm-refresh/token'
const VERSION = 1
/** Levels of nesting: this version writes unknown members back, and no platform can write thousands of levels. */
const DEEPEST = 256

/**
 * A record as text. It contains the key, so that no record passes for the record of another account. Members that this version does not
 * know are written back unchanged, so that different versions can share a store.
 */
export function encodeRecord(key: string, content: RecordContent): string {
  const { token, ...rest } = content
  return `${JSON.stringify({ ...rest, revision: undefined, format: FORMAT, version: VERSION, key, token: token ?? null })}\n`
}

/**
 * Reads a record from text.
 *
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
 * The members of a record beside its token. An invalid member is left out. A member that this version does not know stays.
 *
 * @param rest the caller's own copy, which this changes: another copy would cost time, because another version's members may be large
 */
export function readMembers(rest: Record<string, unknown>): Omit<RecordContent, 'token'> {
  return Object.assign(rest, {
    session: readCount(rest['session']),
    failure: readFailure(rest['failure']),
    madeFor: readMadeFor(rest['madeFor']),
    triedSeeds: readTexts(rest['triedSeeds']),
  })
}

/** The key of the record's account; undefined if the text is no record. */
export function keyOf(text: string): string | undefined {
  const key = parse(text)?.['key']
  return typeof key === 'string' ? key : undefined
}

/** Reads a revision from a store. undefined if it cannot be one: then no refresh token may be redeemed, because no revision can follow. */
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

/** Reads a failure; undefined if it is invalid, so that an invalid failure keeps no process from refreshing. */
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

/** True for epoch ms that a `Date` can hold. */
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
