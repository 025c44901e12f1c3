import { RefreshError } from '../../errors.ts'
import { driverCause } from '../../lib/harmless.ts'

const UNREACHABLE = 'the server cannot be reached, or the connection broke'
const REFUSED = 'the server refuses this role or its password: change what the client connects with'
const ENDED_BY_USER =
  'its client was ended, so that trying again cannot help: give the store a client that is open, and end it last'
const FULL = 'the server has no room: make some'

/** Codes of a server (SQLSTATE), a driver or the platform, with their meaning and remedy. */
const MENDING: Readonly<Record<string, string>> = {
  '42P01': 'there is no such table: create it, or correct the search_path',
  '42703': 'it has other columns than a table of llm-refresh: name another table',
  '42P10': 'its key is no primary key, as in a table of llm-refresh: name another table',
  '42501': 'this role may not: grant it SELECT, INSERT and UPDATE on it, and CREATE on its schema to make it',
  '3F000': 'there is no such schema: create it',
  '3D000': 'there is no such database: create it, or connect to another',
  '28000': REFUSED,
  '28P01': REFUSED,
  '25006': 'the server only reads: it is a standby, or made to be one; connect to the primary',
  '53100': FULL,
  '53200': FULL,
  '53300': 'the server has too many connections: make pools smaller, or put a pooler between',
  '54000':
    'the key is longer than an index takes, or a session that listens in a transaction without end fills the queue of notices: use a shorter key, or end that session',
  '22P05': 'the database does not know all characters of the key: use one in UTF8',
  '40001': 'too many others change it at the same time',
  '40P01': 'too many others change it at the same time',
  '55P03': 'something else locks the table',
  '57014': 'the statement was cancelled: something else locks the table, or `statement_timeout` is too short',
  CONNECTION_ENDED: ENDED_BY_USER,
  CONNECTION_DESTROYED: ENDED_BY_USER,
}

/**
 * Codes of failures that may pass in a moment. The causes are the network, a server that starts, ends or is still a standby, and other
 * transactions on the same row.
 */
const PASSING: readonly RegExp[] = [
  /^(?:08...|57P..|53300|40001|40P01|25006|55P03|57014)$/,
  /^(?:CONNECTION_CLOSED|CONNECT_TIMEOUT)$/,
  /^E(?:CONNREFUSED|CONNRESET|CONNABORTED|PIPE|TIMEDOUT|NOTFOUND|AI_AGAIN|HOSTUNREACH|HOSTDOWN|NETUNREACH|NETDOWN|NOENT)$/,
]

/** Messages of `pg` for a lost connection, which come without a code. */
const BROKEN =
  /^(?:Connection terminated|timeout e|No connection of the pool|Query read timeout|Client has encountered a connection error)/

/** Messages for a client that its user has closed, or that does not connect again: trying again cannot help. */
const ENDED = /not queryable$|after calling end on the pool$/

export function isEnded(error: unknown): boolean {
  const code = codeOf(error)
  return code === 'CONNECTION_ENDED' || code === 'CONNECTION_DESTROYED' || ENDED.test(messageOf(error))
}

/** True if the server itself refused, and so rolled back. A server that shuts down (57P) may have committed before. */
export function isRefusal(error: unknown): boolean {
  return /^(?!08|57P)[0-9A-Z]{5}$/.test(codeOf(error) ?? '') && !/^E[A-Z]{4}$/.test(codeOf(error) ?? '')
}

export function isPassing(error: unknown): boolean {
  if (error instanceof RefreshError || isEnded(error)) return false
  const code = codeOf(error)
  return code === undefined ? BROKEN.test(messageOf(error)) : PASSING.some((each) => each.test(code))
}

/**
 * The error for a failed operation on a table. The server's message stays in the cause, unless it may quote values.
 *
 * @param table the name of the table, as people read it
 */
export function failure(error: unknown, table: string): RefreshError {
  if (error instanceof RefreshError) return error
  const cause = driverCause(error)
  const message = `The table ${table} cannot be used: ${meaning(error, cause)}.`
  return new RefreshError('store_failed', message, { cause })
}

export function codeOf(error: unknown): string | undefined {
  const code: unknown = Reflect.get(Object(error), 'code')
  return typeof code === 'string' ? code : undefined
}

function meaning(error: unknown, cause: Error): string {
  const [code, message] = [codeOf(error), messageOf(error)]
  if (/not queryable/.test(message)) {
    return 'the connection broke or was ended, and a Client of pg does not connect again: use a Pool'
  }
  if (/after calling end/.test(message)) return ENDED_BY_USER
  const why = code === undefined ? undefined : MENDING[code]
  if (why !== undefined) return why
  if (isPassing(error)) return `${UNREACHABLE} (${shown(code, cause)})`
  // Any other code is a name of the server's or the platform's, and contains no value.
  return code !== undefined && /^\w{1,40}$/.test(code) ? `${code}, see the cause` : 'see the cause'
}

/** Describes a failed connection with the code and the message of the platform or the driver. */
function shown(code: string | undefined, cause: Error): string {
  const errors: readonly unknown[] = cause instanceof AggregateError ? cause.errors : []
  const said = [cause, ...errors].map(messageOf).find((text) => text !== '')
  const told = code !== undefined && said?.includes(code) === true ? [said] : [code, said]
  return told.filter((part) => part !== undefined).join(': ')
}

function messageOf(error: unknown): string {
  const message: unknown = Reflect.get(Object(error), 'message')
  return typeof message === 'string' ? message : ''
}
