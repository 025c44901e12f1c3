import { platformClock, startTimer } from '../../lib/clock.ts'
import { type GiveBack, Slots } from '../../lib/slots.ts'
import { asError, heard, noneFree } from './silence.ts'
import type { AskOptions, PgClient } from './types.ts'

/** The part of a pool of node-postgres that gives connections. */
export interface Pool extends PgClient {
  readonly options: object
  /** Calls the callback. Another library's pool may return a promise and ignore the callback. */
  connect(connected?: Connected): Promise<PooledClient> | void
}

type Connected = (error: unknown, client?: PooledClient) => void

interface PooledClient extends PgClient {
  on(event: 'error', listener: () => void): unknown
  removeListener(event: 'error', listener: () => void): unknown
  /** Returns the connection to the pool. @param error if given, the pool destroys the connection instead */
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
 * Runs a statement on a connection of the pool. It destroys a connection that stays silent, and the next try uses another one: if the network
 * lost the connection, or the server hangs, the silence could last for minutes, and a refresh would lose its lock meanwhile.
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
 * Waits until the pool has a free connection. The pool's `connectionTimeoutMillis` is short, so that the pool soon gives up a new connection
 * that hangs, and a wait for a free connection counts against it. So statements wait here, and not in the pool.
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
    // After an error that the server sent, the connection is still usable. A destroyed connection keeps its listener.
    if (isReply(error)) client.removeListener('error', ignore)
    client.release(isReply(error) ? undefined : asError(error))
    throw error
  }
}

/**
 * Takes a free connection. A connection that arrives after the timeout goes back to the pool.
 *
 * Without an error listener, a connection that fails ends the process, although the statement rejects too. A server that shuts down may say
 * so in the same packet that made the connection ready. So we add the listener in the pool's callback: a promise would resolve too late.
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

/** True for an error that the server sent and after which the session goes on: it has a SQLSTATE and the severity ERROR. */
function isReply(error: unknown): boolean {
  const [code, severity] = [
    Reflect.get(Object(error), 'code'),
    Reflect.get(Object(error), 'severity'),
  ] as unknown[]
  return typeof code === 'string' && /^[0-9A-Z]{5}$/.test(code) && severity === 'ERROR'
}

function ignore(): void {
  // The statement rejects with the same error.
}
