// Reads the options of a user's client.
import type { Finding } from '../../core/events.ts'
import { lateReconnect } from '../shared/late-reconnect.ts'

/** Host and port, or the path of a socket; undefined for a cluster, whose nodes change. */
export function addressOfIoRedis(client: object): string | undefined {
  const options = read(client, 'options')
  // With sentinels, the name under which they know the server.
  return (
    text(read(options, 'sentinels') === undefined ? undefined : read(options, 'name')) ?? addressOf(options)
  )
}

/** The prefix that ioredis puts before the names of keys. A cluster has it in its own options or in those of its servers. */
export function keyPrefixOf(client: object): string {
  const options = read(client, 'options')
  return text(read(options, 'keyPrefix')) ?? text(read(read(options, 'redisOptions'), 'keyPrefix')) ?? ''
}

export function addressOfNodeRedis(client: object): string | undefined {
  return addressOf(read(read(client, 'options'), 'socket'))
}

/** @param lease ms */
export function findingsOfIoRedis(client: object, lease: number): readonly Finding[] {
  const options = read(client, 'options')
  const isCluster = read(client, 'isCluster') === true
  const limit = read(isCluster ? read(options, 'redisOptions') : options, 'socketTimeout')
  const name = isCluster ? 'redisOptions.socketTimeout' : 'socketTimeout'
  if (options === undefined) return []
  const option = isCluster ? 'clusterRetryStrategy' : 'retryStrategy'
  const example = '(times) => Math.min(times * 50, 500)'
  const reconnecting = { driver: 'ioredis', option, strategy: read(options, option), example }
  return [...withoutLimit(limit, lease, 'ioredis', name), ...lateReconnect(reconnecting, lease)]
}

/** @param lease ms */
export function findingsOfNodeRedis(client: object, lease: number): readonly Finding[] {
  const options = read(client, 'options')
  // A pool and a cluster do not show their options.
  if (options === undefined) return []
  const socket = read(options, 'socket')
  const limit = read(socket, 'socketTimeout')
  const without = withoutLimit(limit, lease, 'node-redis', 'socket.socketTimeout')
  const strategy = read(socket, 'reconnectStrategy')
  const reconnects = typeof strategy === 'function' || typeof strategy === 'number'
  if (!reconnects) return [...without, ...withoutReconnect(limit)]
  const [option, example] = ['socket.reconnectStrategy', '(retries) => Math.min(retries * 50, 500)']
  return [...without, ...lateReconnect({ driver: 'node-redis', option, strategy, example }, lease)]
}

/** Without a strategy the client closes itself for good when the limit has passed, even if no command was sent. */
function withoutReconnect(limit: unknown): readonly Finding[] {
  if (typeof limit !== 'number' || limit <= 0) return []
  return [
    {
      code: 'client_without_reconnect',
      level: 'error',
      message: `The node-redis client closes itself for good when its connection was silent for ${limit} ms (socket.socketTimeout), also while nothing is asked: it has no socket.reconnectStrategy.`,
      fix: 'Set socket.reconnectStrategy, such as (retries) => Math.min(retries * 50, 500), and a pingInterval below socket.socketTimeout.',
    },
  ]
}

/** If a connection hangs while the store holds a lock, the client must replace it within the lease. Otherwise the lock is lost. */
function withoutLimit(limit: unknown, lease: number, driver: string, option: string): readonly Finding[] {
  if (typeof limit === 'number' && limit > 0 && limit < lease) return []
  const stands = typeof limit === 'number' && limit > 0 ? `is ${limit} ms` : 'is not set'
  const message = `The ${driver} client may wait too long on a connection that hangs: its ${option} ${stands}, and the lease is ${lease} ms. The lock of a refresh that is under way is lost then.`
  const more =
    driver === 'node-redis' ? ', together with a socket.reconnectStrategy and a pingInterval below it' : ''
  const fix = `Set ${option} to at most ${Math.floor((lease * 2) / 5)} (ms: two fifths of the lease)${more}.`
  return [{ code: 'client_without_timeout', level: 'warning', message, fix }]
}

function addressOf(options: unknown): string | undefined {
  const [path, host, port] = [read(options, 'path'), read(options, 'host'), read(options, 'port')]
  if (text(path) !== undefined) return text(path)
  return text(host) === undefined ? undefined : `${text(host)}:${typeof port === 'number' ? port : 6379}`
}

function text(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined
}

function read(object: unknown, name: string): unknown {
  return Reflect.get(Object(object), name) as unknown
}
