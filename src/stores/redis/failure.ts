import { RefreshError } from '../../errors.ts'
import { driverCause } from '../../lib/harmless.ts'

/** The error codes of a server, each with its meaning and remedy. */
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

/** The error codes that may pass in a moment. */
const PASSING: ReadonlySet<string> = new Set([
  'READONLY',
  'MASTERDOWN',
  'CLUSTERDOWN',
  'LOADING',
  'NOREPLICAS',
  'BUSY',
  'TRYAGAIN',
])

/** The code of an error that the server sent; undefined for any other error. */
function replyCode(error: unknown): string | undefined {
  const message: unknown = Reflect.get(Object(error), 'message')
  if (typeof message !== 'string') return undefined
  const code = /^[A-Z]{2,}(?= )/u.exec(message)?.[0]
  if (code !== 'ERR') return code
  // Redis 6 begins an error within a script with its place, and names the code later. Before 7.2, a forbidden command has no code.
  if (/ can't run this command or subcommand/u.test(message)) return 'NOPERM'
  return /^ERR Error running script .* @user_script: ?\d+: -?([A-Z]{2,}) /u.exec(message)?.[1] ?? code
}

/** True if the server itself refused, so that it has changed nothing. */
export function isReply(error: unknown): boolean {
  return replyCode(error) !== undefined
}

/** True if the failure may pass in a moment. An error without a server's code is a lost connection. */
export function isPassing(error: unknown): boolean {
  if (error instanceof RefreshError) return false
  const code = replyCode(error)
  return code === undefined || PASSING.has(code)
}

/** Options that name the Redis of an error. */
export interface FailureOptions {
  /** `Redis at redis.internal:6379` */
  readonly where?: string | undefined
  /** True if the user has closed the client. */
  readonly isEnded?: boolean | undefined
}

/** The error for a failed operation, with its remedy. Its cause contains no part of the request. */
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
  const said = [cause.message, ...innerMessages(cause)].find(isTelling)
  return said === undefined ? what : `${what} (${said.replace(/\.$/u, '')})`
}

/** ioredis names its own option instead of the reason, and that option does not help. */
function isTelling(text: string): boolean {
  return /^[\x20-\x7E]+$/u.test(text) && !text.includes('maxRetriesPerRequest')
}

/** The messages of a client that tried to connect to several addresses. */
function innerMessages(cause: Error): string[] {
  const errors = cause instanceof AggregateError ? cause.errors : []
  return errors.map((each: unknown) => String(Reflect.get(Object(each), 'message')))
}
