import type { Stats } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { RefreshError } from '../../../errors.ts'
import { present } from '../failure.ts'
import type { Way } from './walk.ts'

const [OTHERS_WRITE, GROUP_WRITES, STICKY] = [0o002, 0o020, 0o1000]
const ROOT = 0
/** The uid that the system shows for an owner without a uid in this user namespace, as in a sandbox. */
const UNMAPPED = 65_534

/** The users that this process trusts with its tokens. */
export interface Trust {
  /** This process's own user. */
  readonly uid: number
  /** If root works in another user's folder: that user. */
  readonly served: number | undefined
  /** True if this is a user namespace. Then a folder such as `/` may have an owner outside it, whom this process cannot tell from others. */
  readonly hasUnmapped: boolean
}

/** The trusted users for a path; undefined on a platform without users of this kind. */
export async function trustOf(way: Way): Promise<Trust | undefined> {
  const uid = process.geteuid?.()
  if (uid === undefined) return undefined
  const served = way.folders.findLast(({ stats }) => stats.uid !== ROOT)?.stats.uid
  return { uid, served: uid === ROOT ? served : undefined, hasUnmapped: await isUserNamespace() }
}

export function isTrusted(uid: number, trust: Trust): boolean {
  return uid === ROOT || uid === trust.uid || uid === trust.served
}

/**
 * Checks a folder above the store's own. A user who can write there can put another folder in the place of the store's.
 *
 * @returns the flaw, as the end of a sentence; undefined if there is none
 */
export async function flawOf(stats: Stats, trust: Trust): Promise<string | undefined> {
  const { uid } = stats
  if (!isTrusted(uid, trust) && !(trust.hasUnmapped && uid === UNMAPPED))
    return `belongs to another user (uid ${uid}), who can put other files in the place of yours`
  return (await isOpenToWriters(stats)) ? `can be written by other users (mode ${shown(stats)})` : undefined
}

/**
 * True if other users can exchange entries of the folder. False for a sticky folder, such as `/tmp`: no user can rename another user's files
 * there. False for a folder that only its owner's private group can write to, as with umask 002.
 */
async function isOpenToWriters({ mode, uid, gid }: Stats): Promise<boolean> {
  if ((mode & STICKY) !== 0) return false
  if ((mode & OTHERS_WRITE) !== 0) return true
  return (mode & GROUP_WRITES) !== 0 && gid !== ROOT && !(await isPrivate(gid, uid))
}

export function shown({ mode }: Stats): string {
  return (mode & 0o7777).toString(8)
}

/**
 * Checks the links of a path. A link is good if it and its target belong to this user or to root. If root works for another user, a link of
 * that user may only lead to that user's own folders.
 *
 * @throws RefreshError `store_failed`
 */
export function assertLinks({ links }: Way, trust: Trust): void {
  for (const { path, uid, targetUid } of links) {
    const isServed = uid !== trust.uid && uid !== ROOT && uid === trust.served
    const isGood =
      isTrusted(uid, trust) &&
      (targetUid === undefined || (isServed ? targetUid === uid : isTrusted(targetUid, trust)))
    if (isGood) continue
    const message = `The store is not used behind the link ${path} (of uid ${uid}): it, or the folder that it leads to, belongs to another user. Name the folder itself, or choose another one.`
    throw new RefreshError('store_failed', message)
  }
}

/** True for a private group as Debian, Fedora and others make it: it has the number and the name of its only user. */
async function isPrivate(gid: number, uid: number): Promise<boolean> {
  if (gid !== uid) return false
  const groups = (await present(readFile('/etc/group', 'utf8'))) ?? ''
  const line = groups.split('\n').find((group) => group.split(':')[2] === String(gid))
  const [name = '', , , members = ''] = line?.split(':') ?? []
  return members.split(',').every((member) => member === '' || member === name)
}

let userNamespace: Promise<boolean> | undefined

function isUserNamespace(): Promise<boolean> {
  return (userNamespace ??= readFile('/proc/self/uid_map', 'utf8').then(
    (map) => !/^\s*0\s+0\s+4294967295\s*$/u.test(map),
    () => false,
  ))
}
