import { readRevision } from '../../credential/record/record-format.ts'
import { RefreshError } from '../../errors.ts'
import { contentOf, inOrder, type StoreEntry } from '../shared/entry.ts'
import type { Connection, RunAnywhere } from './client.ts'
import { failure, isReply } from './failure.ts'
import { hashOf, keyOf, patternOf } from './name.ts'
import { listOf } from './reply.ts'
import { INSPECT, SCAN } from './scripts.ts'
import { poisoned } from './table.ts'

/** The number of hashes that are read at a time. */
const AT_ONCE = 64

/** @throws RefreshError `store_failed` */
export async function inspectHashes(connection: Connection, prefix: string): Promise<StoreEntry[]> {
  try {
    const keys = [...(await keysIn(connection, prefix))]
    const entries: StoreEntry[] = []
    for (let at = 0; at < keys.length; at += AT_ONCE) {
      const some = keys.slice(at, at + AT_ONCE).map((key) => inspect(connection, prefix, key))
      entries.push(...(await Promise.all(some)))
    }
    return inOrder(entries)
  } catch (error) {
    throw explained(connection, error)
  }
}

/** The keys of the accounts on all servers. A set, because SCAN may name one twice. */
async function keysIn(connection: Connection, prefix: string): Promise<Set<string>> {
  const { keyPrefix } = connection
  const found = new Set<string>()
  for (const run of await connection.servers()) {
    for (const hash of await hashesIn(run, patternOf(keyPrefix + prefix))) {
      const key = keyOf(prefix, hash.slice(keyPrefix.length))
      if (key !== undefined) found.add(key)
    }
  }
  return found
}

async function hashesIn(run: RunAnywhere, pattern: string): Promise<string[]> {
  const found: string[] = []
  let cursor = '0'
  do {
    const [next = '0', ...hashes] = listOf(await run(SCAN, [cursor, pattern]))
    found.push(...hashes.filter((hash) => hash !== undefined))
    cursor = next
  } while (cursor !== '0')
  return found
}

async function inspect(connection: Connection, prefix: string, key: string): Promise<StoreEntry> {
  const hash = hashOf(prefix, key)
  const place = `The record in Redis, ${hash},`
  const nothing = { key, place: hash, revision: 0, expiresAt: undefined, writtenAt: undefined }
  const unknown = { ...nothing, canRefresh: false, holder: undefined, isAbandoned: false, problem: undefined }
  try {
    const [now, revision, record, fence, owner, until, abandoned] = listOf(
      await connection.run(INSPECT, hash, []),
    )
    const [end, isHeld] = [Number(until), owner !== undefined]
    const isGone = !(end > Number(now))
    const [written, given] = [readRevision(revision ?? '0'), readRevision(fence ?? '0')]
    const standing = {
      ...unknown,
      revision: written ?? 0,
      holder: isHeld ? { host: undefined, pid: undefined, until: instant(end), isGone } : undefined,
      isAbandoned: (abandoned === '1' || (isHeld && isGone)) && (written ?? 0) < (given ?? 0),
    }
    if (written === undefined || given === undefined)
      return { ...standing, state: 'unreadable', problem: poisoned(place, hash) }
    if (revision === undefined) return { ...standing, state: 'empty' }
    try {
      return { ...standing, ...contentOf(record ?? '', key, place) }
    } catch (error) {
      return { ...standing, state: 'unreadable', problem: explained(connection, error) }
    }
  } catch (error) {
    // WRONGTYPE concerns this account alone: another program uses its name. Any other failure concerns all accounts, so throw it.
    if (!isReply(error) || !/WRONGTYPE/u.test(String(error))) throw error
    return { ...unknown, state: 'unreadable', problem: explained(connection, error) }
  }
}

function explained(connection: Connection, error: unknown): RefreshError {
  if (error instanceof RefreshError) return error
  const where = connection.where()
  return failure(error, {
    where: where === undefined ? undefined : `Redis at ${where}`,
    isEnded: connection.isEnded(),
  })
}

/** The end of a lease in epoch ms; undefined if another program has written a number that is no time. */
function instant(end: number): number | undefined {
  return Number.isSafeInteger(end) && end > 0 ? end : undefined
}
