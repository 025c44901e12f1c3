import type { Finding } from '../../core/events.ts'
import { optionError } from '../../lib/options.ts'
import {
  addressOfIoRedis,
  addressOfNodeRedis,
  findingsOfIoRedis,
  findingsOfNodeRedis,
  keyPrefixOf,
} from './client-options.ts'

/** A client, or a cluster, of ioredis. */
export interface IoRedisClient {
  readonly status: string
  readonly isCluster?: boolean
  eval(script: string, keys: number, ...keysAndArguments: string[]): Promise<unknown>
  /** A cluster takes its options as the second argument. */
  duplicate(options?: object, clusterOptions?: object): IoRedisSubscriber
  /** Only of a cluster: the clients of its servers. */
  nodes?(role: 'master'): Pick<IoRedisClient, 'eval'>[]
}

/** The connection that `duplicate()` of ioredis returns. The store receives releases on it. */
export interface IoRedisSubscriber {
  on(event: 'error' | 'ready' | 'end', listener: () => void): unknown
  on(event: 'message', listener: (channel: string, message: string) => void): unknown
  subscribe(channel: string): Promise<unknown>
  disconnect(): void
}

/** A client, a cluster or a pool of node-redis (`redis`). It has to be connected. */
export interface NodeRedisClient {
  readonly isOpen: boolean
  eval(script: string, options: { keys: string[]; arguments: string[] }): Promise<unknown>
  /** A pool has no such method: then waiters look again after a pause. */
  duplicate?(): NodeRedisSubscriber
  /** Only of a cluster: its servers, and the client of each. */
  readonly masters?: readonly unknown[]
  nodeClient?(master: unknown): Pick<NodeRedisClient, 'eval'> | Promise<Pick<NodeRedisClient, 'eval'>>
}

/** The connection that `duplicate()` of node-redis returns. The store receives releases on it. */
export interface NodeRedisSubscriber {
  on(event: 'error' | 'ready', listener: () => void): unknown
  connect(): Promise<unknown>
  subscribe(channel: string, listener: (message: string) => void): Promise<unknown>
  destroy?(): unknown
  /** The name of `destroy()` before version 5. */
  disconnect?(): unknown
}

/** Any other client. The store receives no releases through it, so waiters look again after a pause. */
export interface OtherRedisClient {
  eval(script: string, keys: string[], args: string[]): Promise<unknown>
}

export type RedisClient = IoRedisClient | NodeRedisClient | OtherRedisClient

/** Runs a script that names no keys, on one server. */
export type RunAnywhere = (script: string, args: string[]) => Promise<unknown>

/** A client of any library, in the form that the store needs. */
export interface Connection {
  run(script: string, key: string, args: string[]): Promise<unknown>
  /** Every server that holds keys: a cluster has several. */
  servers(): Promise<RunAnywhere[]>
  /** The prefix that the client itself puts before the names of keys. */
  readonly keyPrefix: string
  /** Host and port; undefined if the client does not show them. */
  where(): string | undefined
  /** True if the user has closed the client, or if the client no longer tries to connect. */
  isEnded(): boolean
  /** @param lease ms */
  findings(lease: number): readonly Finding[]
  /** Subscribes on a connection of its own, until `over` aborts. undefined if the client cannot. */
  readonly subscribe:
    | ((channel: string, hear: (message: string) => void, over: AbortSignal) => Promise<unknown>)
    | undefined
}

/** @throws RefreshError `invalid_option` */
export function connectionOf(client: RedisClient): Connection {
  if (typeof client?.eval !== 'function') {
    throw optionError('client', 'must be a client of Redis, such as one of ioredis or node-redis')
  }
  if ('isOpen' in client) return ofNodeRedis(client)
  if ('status' in client) return ofIoRedis(client)
  return {
    run: async (script, key, args) => client.eval(script, [key], args),
    servers: async () => [async (script, args) => client.eval(script, [], args)],
    keyPrefix: '',
    where: () => undefined,
    isEnded: () => false,
    findings: () => [],
    subscribe: undefined,
  }
}

function ofIoRedis(client: IoRedisClient): Connection {
  return {
    run: async (script, key, args) => client.eval(script, 1, key, ...args),
    servers: async () => {
      const servers = client.isCluster === true ? client.nodes?.('master') : undefined
      return (servers ?? [client]).map((server) => async (script, args) => server.eval(script, 0, ...args))
    },
    keyPrefix: keyPrefixOf(client),
    where: () => addressOfIoRedis(client),
    isEnded: () => client.status === 'end',
    findings: (lease) => findingsOfIoRedis(client, lease),
    subscribe: async (channel, hear, over) => {
      // Without `autoResubscribe: false`, ioredis subscribes again after a reconnect, and if the connection closes before the response, an
      // unhandled rejection ends the process.
      const own = { enableOfflineQueue: true, lazyConnect: false, autoResubscribe: false }
      const subscriber = client.isCluster === true ? client.duplicate([], own) : client.duplicate(own)
      // Without this listener an error would end the process. The client reconnects by itself.
      subscriber.on('error', () => undefined)
      subscriber.on('message', (_, message) => hear(message))
      const subscribed = new Promise<unknown>((resolve, reject) => {
        subscriber.on('ready', () => void subscriber.subscribe(channel).then(resolve, () => undefined))
        subscriber.on('end', () => reject(new Error('There are no notices.')))
      })
      await closing(
        over,
        quietly(() => subscriber.disconnect()),
        subscribed,
      )
    },
  }
}

function ofNodeRedis(client: NodeRedisClient): Connection {
  return {
    run: async (script, key, args) => client.eval(script, { keys: [key], arguments: args }),
    servers: async () => {
      const nodes = (client.masters ?? []).map(async (master) => client.nodeClient?.(master) ?? client)
      const servers = nodes.length === 0 ? [client] : await Promise.all(nodes)
      return servers.map(
        (server) => async (script, args) => server.eval(script, { keys: [], arguments: args }),
      )
    },
    keyPrefix: '',
    where: () => addressOfNodeRedis(client),
    isEnded: () => !client.isOpen,
    findings: (lease) => findingsOfNodeRedis(client, lease),
    subscribe:
      client.duplicate &&
      (async (channel, hear, over) => {
        const subscriber = client.duplicate?.()
        if (subscriber === undefined) return
        const close = quietly(() => (subscriber.destroy ? subscriber.destroy() : subscriber.disconnect?.()))
        subscriber.on('error', () => undefined)
        // A connection that is closed while it connects still opens, so close it again.
        subscriber.on('ready', () => over.aborted && close())
        const subscribed = subscriber.connect().then(() => subscriber.subscribe(channel, hear))
        await closing(over, close, subscribed)
      }),
  }
}

/** Closes the connection when `over` aborts, or if it cannot subscribe: some clients would try to connect for ever. */
async function closing(over: AbortSignal, close: () => void, subscribed: Promise<unknown>): Promise<void> {
  over.addEventListener('abort', close, { once: true })
  try {
    await subscribed
  } catch (error) {
    close()
    throw error
  }
}

/** Ignores that a connection is closed already, for which some clients throw and others reject. */
function quietly(close: () => unknown): () => void {
  return () => {
    const closed = (async () => close())()
    closed.catch(() => undefined)
  }
}
