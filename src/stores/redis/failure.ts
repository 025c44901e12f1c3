import { RefreshError } from '../../errors.ts'
import { driverCause } from '../../lib/harmless.ts'

/** What the server says no with, and how that is mended. */
const MENDING: Readonly<Record<string, string>> = {
  NOAUTH: 'it asks for a password: give the client one',
  WRONGPASS: 'it does not take the password, or the user: give the client the right ones',
  NOPERM:
    'this user may not: allow it EVAL, HMGET, HGET, HSET, HSETNX, HDEL, TIME and PUBLISH on the keys of the store, and SCAN to inspect it',
  OOM: 'its memory is full: make room, and keep it from evicting tokens with maxmemory-policy noeviction',
  WRONGTYPE: 'another program uses the same key: choose another prefix',
  MISCONF: 'it cannot write to its disk: make room there',
  MOVED: 'it is part of a cluster: use a client for clusters',
  CROSSSLOT: 'it is part of a cluster: use a client for clusters',
  ASK: 'it is part of a cluster: use a client for clusters',
  READONLY: 'it is a replica: connect to the primary',
  MASTERDOWN: 'it is a replica that has lost its primary',
  CLUSTERDOWN: 'its cluster is down',
  LOADING: 'it is starting',
  NOREPLICAS: 'it has too few replicas',
  BUSY: 'it is busy with a script',
  TRYAGAIN: 'its cluster is moving keys',
}

const PASSING: ReadonlySet<string> = new Set([
  'READONLY',
  'MASTERDOWN',
  'CLUSTERDOWN',
  'LOADING',
  'NOREPLICAS',
  'BUSY',
  'TRYAGAIN',
])

/** What the server said no with; undefined where it was not the server who said it. */
function replyCode(error: unknown): string | undefined {
  const message: unknown = Reflect.get(Object(error), 'message')
  if (typeof message !== 'string') return undefined
  const code = /^[A-Z]{2,}(?= )/u.exec(message)?.[0]
  if (code !== 'ERR') return code
  // Of what a script ran into, Redis 6 tells where, first; before 7.2, what its user may not do has no name of its own.
  if (/ can't run this command or subcommand/u.test(message)) return 'NOPERM'
  return /^ERR Error running script .* @user_script: ?\d+: -?([A-Z]{2,}) /u.exec(message)?.[1] ?? code
}

/** The server itself has refused: nothing was done. */
export function isReply(error: unknown): boolean {
  return replyCode(error) !== undefined
}

/** Whether it may be gone in a moment. What is none of the server's answers is a connection that was lost. */
export function isPassing(error: unknown): boolean {
  if (error instanceof RefreshError) return false
  const code = replyCode(error)
  return code === undefined || PASSING.has(code)
}

/** Of which Redis an error tells. */
export interface FailureOptions {
  /** `Redis at redis.internal:6379` */
  readonly where?: string | undefined
  /** The client was closed by its user. */
  readonly isEnded?: boolean | undefined
}

/** What went wrong, and how to mend it. The cause holds nothing of what was asked. */
export function failure(
  error: unknown,
  { where = 'Redis', isEnded = false }: FailureOptions = {},
): RefreshError {
  if (error instanceof RefreshError) return error
  const cause = driverCause(error)
  return new RefreshError('store_failed', `${where} cannot be used: ${meaning(error, cause, isEnded)}.`, {
    cause,
  })
}

function meaning(error: unknown, cause: Error, isEnded: boolean): string {
  const code = replyCode(error)
  if (code !== undefined) return MENDING[code] ?? code
  if (isEnded) {
    return 'its client is closed, so that trying again cannot help: give the store a client that is open, and close it last'
  }
  const what = 'the connection is lost, or was never made'
  const said = [cause.message, ...innerMessages(cause)].find((text) => /^[\x20-\x7E]+$/u.test(text))
  return said === undefined ? what : `${what} (${said.replace(/\.$/u, '')})`
}

/** Of a connection that was tried at several addresses. */
function innerMessages(cause: Error): string[] {
  const errors = cause instanceof AggregateError ? cause.errors : []
  return errors.map((each: unknown) => String(Reflect.get(Object(each), 'message')))
}
