import type { Subscribe } from '../shared/lease-table.ts'
import { asking, isSession, isSql } from './client.ts'
import type { Ask, PostgresClient, Session, PostgresJsClient } from './types.ts'

/** A pool of node-postgres, as far as it makes its own clients. */
interface Pooling {
  readonly options: object
  readonly Client: new (options: object) => Connection
}

interface Connection extends Session {
  connect(): Promise<unknown>
  end(): Promise<unknown>
}

/**
 * How a client receives notifications; undefined if it cannot.
 *
 * @param ask runs statements of that client
 */
export function listening(client: PostgresClient, ask: Ask, channel: string): Subscribe | undefined {
  if (isSql(client)) return has(client, 'listen') ? bySql(client, channel) : undefined
  if (isPooling(client)) return byItself(client, channel)
  if (isSession(client)) return (wake, lost, over) => listen(client, ask, channel, wake, lost, over)
  return undefined
}

/** A session of a pool would be kept from all others, and those that come out of it change: this has one of its own. */
function byItself({ Client, options }: Pooling, channel: string): Subscribe {
  return async (wake, lost, over) => {
    const connection = new Client(options)
    // Without an error listener, a broken connection ends the process.
    connection.on('error', lost)
    const end = (): void => {
      connection.end().catch(() => undefined)
    }
    over.addEventListener('abort', end, { once: true })
    try {
      await connection.connect()
      await listen(connection, asking(connection), channel, wake, lost, over)
    } catch (error) {
      end()
      throw error
    }
  }
}

/** The session goes on listening, for it may be shared. */
async function listen(
  session: Session,
  ask: Ask,
  channel: string,
  wake: (topic: string) => void,
  lost: () => void,
  over: AbortSignal,
): Promise<void> {
  const hear = (notification: unknown): void => {
    if (Reflect.get(Object(notification), 'channel') !== channel) return
    wake(String(Reflect.get(Object(notification), 'payload')))
  }
  const listeners = { notification: hear, error: lost, end: lost }
  for (const [event, listener] of Object.entries(listeners)) session.on(event, listener)
  const stop = (): void => {
    for (const [event, listener] of Object.entries(listeners)) session.removeListener(event, listener)
  }
  over.addEventListener('abort', stop, { once: true })
  try {
    await ask(`LISTEN "${channel}"`)
  } catch (error) {
    stop()
    throw error
  }
}

/**
 * postgres.js listens on a connection that it keeps, and listens again after it broke, also where that failed at first; each further call
 * after such a failure would be one more that it never forgets. So it is asked once.
 */
function bySql(sql: PostgresJsClient, channel: string): Subscribe {
  const hearing = new Set<(topic: string) => void>()
  let asked: Promise<unknown> | undefined
  const hear = (topic: string): void => {
    for (const wake of hearing) wake(topic)
  }
  return async (wake, _, over) => {
    hearing.add(wake)
    over.addEventListener('abort', () => hearing.delete(wake), { once: true })
    asked ??= Promise.resolve(sql.listen(channel, hear)).catch(() => undefined)
    await asked
  }
}

function isPooling(client: object): client is Pooling {
  return has(client, 'Client') && typeof Reflect.get(client, 'options') === 'object'
}

function has(client: object, method: string): boolean {
  return typeof Reflect.get(client, method) === 'function'
}
