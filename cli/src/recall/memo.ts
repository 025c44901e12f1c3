import {
  closeSync,
  constants,
  fstatSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { homedir } from 'node:os'
import { isAbsolute, join } from 'node:path'
import type { Marks } from './marks.ts'

/** What a command that printed a token leaves for the next one. It holds no secret: the token stays in its record. */
export interface Memo {
  /** Of the command that wrote it. */
  readonly version: string
  /** The configuration. */
  readonly config: string
  /** The credential, as it was named; '': it is the only one. */
  readonly name: string
  /** epoch ms: when it was written */
  readonly at: number
  /** epoch ms; undefined: it is not known */
  readonly expiresAt?: number | undefined
  /** The account's folder in the store. */
  readonly folder: string
  /** The record of the token. */
  readonly record: string
  /** What decided where the store is. */
  readonly environment: string
  readonly marks: Marks
}

/** bytes */
const LIMIT = 65_536
/** Characters of a file's name. */
const LONGEST = 240
const OF_OTHERS = 0o077

/** The environment, as far as it decides where a store is. */
export function environment(): string {
  const { HOME = '', XDG_STATE_HOME = '' } = process.env
  return JSON.stringify([HOME, XDG_STATE_HOME])
}

/**
 * A file with a name for each configuration and credential.
 *
 * @returns undefined where there can be none
 */
function placeOf(config: string, name: string): { folder: string; path: string } | undefined {
  const { XDG_CACHE_HOME } = process.env
  const isGiven = XDG_CACHE_HOME !== undefined && isAbsolute(XDG_CACHE_HOME)
  const folder = join(isGiven ? XDG_CACHE_HOME : join(homedir(), '.cache'), 'llm-refresh')
  const file = `${encodeURIComponent(`${config}\n${name}`)}.json`
  return file.length > LONGEST || !isAbsolute(folder) ? undefined : { folder, path: join(folder, file) }
}

/** Only this user can have written it. @throws what the file system throws */
export function readMemo(config: string, name: string): Memo | undefined {
  const place = placeOf(config, name)
  if (place === undefined) return undefined
  const file = openSync(place.path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK)
  try {
    const stats = fstatSync(file)
    const isMine = stats.uid === process.getuid?.() && (stats.mode & OF_OTHERS) === 0
    if (!stats.isFile() || !isMine || stats.size > LIMIT) return undefined
    // eslint-disable-next-line typescript/no-unsafe-type-assertion -- this user wrote it, and its version is compared
    const memo = JSON.parse(readFileSync(file, 'utf8')) as Memo
    return memo.config === config && memo.name === name ? memo : undefined
  } finally {
    closeSync(file)
  }
}

/** @throws what the file system throws */
export function writeMemo(memo: Memo): void {
  const place = placeOf(memo.config, memo.name)
  if (place === undefined) return
  mkdirSync(place.folder, { recursive: true, mode: 0o700 })
  const draft = join(place.folder, `${process.pid}-${Math.random().toString(36).slice(2)}`)
  try {
    writeFileSync(draft, JSON.stringify(memo), { flag: 'wx', mode: 0o600 })
    renameSync(draft, place.path)
  } catch (error) {
    rmSync(draft, { force: true })
    throw error
  }
}
