import type { Subscribe } from '../shared/lease-table.ts'
import { asking, isSession, isSql } from './client.ts'
import type { Ask, PostgresClient, Session, PostgresJsClient } from './types.ts'

/** The part of a pool of node-postgres that makes clients. */
interface Pooling {
  readonly options: object
  readonly Client: new (options: object) => Connection
}

interface Connection extends Session {
  connect(): Promise<unknown>
  end(): Promise<unknown>
}

/**
 * The function that subscribes a client to notifications; undefined if the client cannot receive any.
 *
 * @param ask runs statements of that client
 */
export function listening(client: PostgresClient, ask: Ask, channel: string): Subscribe | undefined {
  if (isSql(client)) return has(client, 'listen') ? bySql(client, channel) : undefined
  if (isPooling(client)) return byItself(client, channel)
  if (isSession(client)) return (wake, lost, over) => listen(client, ask, channel, wake, lost, over)
  return undefined
}

/** Subscribes with a connection of its own, because a connection of the pool would be lost to the pool's other users. */
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

/** Subscribes with a session. It sends no UNLISTEN at the end, because other users of the session may listen too. */
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
 * Subscribes with postgres.js, and calls its `listen()` only once. postgres.js keeps a connection for that, and listens again by itself after
 * a failure or a break. It would remember every further call after a failure for ever.
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
