import { platformClock, startTimer } from '../../lib/clock.ts'
import { type GiveBack, Slots } from '../../lib/slots.ts'
import { asError, heard, noneFree } from './silence.ts'
import type { AskOptions, PgClient } from './types.ts'

/** A pool of node-postgres, as far as it gives connections. */
export interface Pool extends PgClient {
  readonly options: object
  /** A pool of another make may know promises alone. */
  connect(connected?: Connected): Promise<PooledClient> | void
}

type Connected = (error: unknown, client?: PooledClient) => void

interface PooledClient extends PgClient {
  on(event: 'error', listener: () => void): unknown
  removeListener(event: 'error', listener: () => void): unknown
  /** @param error the connection is destroyed instead of given to another */
  release(error?: Error | boolean): void
}

/** True for a pool. `connect()` of a single client returns no connection. */
export function isPool(client: object): client is Pool {
  return (
    typeof Reflect.get(client, 'connect') === 'function' &&
    typeof Reflect.get(client, 'totalCount') === 'number' &&
    typeof Reflect.get(client, 'options') === 'object'
  )
}

/**
 * Runs a statement on a connection of the pool, and destroys a connection that stays silent: a network that has lost it, or a server
 * that hangs, would keep it for minutes, and the lock of a refresh would be lost meanwhile. The next try uses another one.
 */
export async function onPool<R>(
  pool: Pool,
  run: (client: PgClient) => PromiseLike<R>,
  options: AskOptions,
): Promise<R> {
  const giveBack = await admitted(pool, options)
  try {
    return await onFree(pool, run, options)
  } finally {
    giveBack()
  }
}

const gates = new WeakMap<Pool, Slots>()

/**
 * A pool counts the wait for a free connection as part of its `connectionTimeoutMillis`, which is short so that a new connection that hangs is
 * given up. So no more statements are asked of it at a time than it has connections; the others wait here.
 */
async function admitted(pool: Pool, { timeout, silence }: AskOptions): Promise<GiveBack> {
  const most: unknown = Reflect.get(pool.options, 'max')
  const gate = gates.get(pool) ?? new Slots(typeof most === 'number' && most >= 1 ? most : 10)
  gates.set(pool, gate)
  const late = new AbortController()
  const stop = startTimer({ now: Date.now }, timeout, () => late.abort(noneFree(timeout)))
  try {
    return await gate.take({ clock: platformClock, holds: 2 * (timeout + silence), signal: late.signal })
  } finally {
    stop()
  }
}

async function onFree<R>(
  pool: Pool,
  run: (client: PgClient) => PromiseLike<R>,
  options: AskOptions,
): Promise<R> {
  const client = await checkOut(pool, options.timeout)
  try {
    const result = await heard(run(client), options)
    client.removeListener('error', ignore)
    client.release()
    return result
  } catch (error) {
    // After an error of the server itself, the connection is still good. A destroyed connection keeps its listener.
    if (isReply(error)) client.removeListener('error', ignore)
    client.release(isReply(error) ? undefined : asError(error))
    throw error
  }
}

/**
 * Takes a free connection. One that comes too late is returned to the pool.
 *
 * If a checked-out connection fails without a listener, its error ends the process; the statement rejects with it anyway. A server that
 * ends may say so in the very piece that made the connection ready, so we add the listener in the pool's callback: a promise would be too
 * late.
 */
function checkOut(pool: Pool, timeout: number): Promise<PooledClient> {
  return new Promise((resolve, reject) => {
    let isLate = false
    const stop = startTimer({ now: Date.now }, timeout, () => {
      isLate = true
      reject(noneFree(timeout))
    })
    let hasConnected = false
    const connected: Connected = (error, client) => {
      if (hasConnected) return
      hasConnected = true
      stop()
      if (client === undefined) {
        reject(asError(error))
      } else if (isLate) {
        client.release()
      } else {
        client.on('error', ignore)
        resolve(client)
      }
    }
    pool.connect(connected)?.then((client) => connected(undefined, client), connected)
  })
}

/** It has a SQLSTATE, and its session goes on. */
function isReply(error: unknown): boolean {
  const [code, severity] = [
    Reflect.get(Object(error), 'code'),
    Reflect.get(Object(error), 'severity'),
  ] as unknown[]
  return typeof code === 'string' && /^[0-9A-Z]{5}$/.test(code) && severity === 'ERROR'
}

function ignore(): void {
  // see where it is used
}
