import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { expect, onTestFinished } from 'vitest'
import type { Store } from '../../src/index.ts'
import { afterTests } from '../support/ends.ts'
import { type Network, startNetwork } from '../support/network.ts'
import { programOf } from '../support/programs.ts'
import { startRedisServer } from '../support/redis-server.ts'
import { startRelay } from '../support/relay.ts'
import { type Fleet, type ServerPorts, startFleet } from './fleet.ts'
import type { Member } from './members.ts'
import type { Orders } from './part.ts'
import type { RedisAddress } from './place.ts'
import { opened } from './places.ts'

/** Three hosts with a process each, and what they share: a Redis, an authorization server, and an API that takes tokens. */
export interface Hosts extends Fleet, Pick<Network, 'cut' | 'heal'> {
  /** The process of each host, the network's names of which are a, b and c. */
  readonly hosts: readonly [a: Member, b: Member, c: Member]
  /** The store, as somebody sees it who is cut off from nothing. */
  readonly store: Store
}

const NAMES = ['a', 'b', 'c'] as const
/** ms */
const [LEASE, TIMEOUT] = [2_000, 2_000]
export const CALLERS = 5

const clients = ['ioredis', 'node-redis'] as const
type RedisClientName = (typeof clients)[number]

/** One client for each test, in turn. The trial: both. */
export function clientsOf(test: number): readonly RedisClientName[] {
  return process.env['PARTITIONS'] === undefined ? [clients[test % 2 === 0 ? 0 : 1]] : clients
}

/** One network, and what hands on in it, for all tests of a file. */
const ends = afterTests()
let ofFile: Promise<Network> | undefined
const relayers: Record<string, ReturnType<typeof startRelayer>> = {}

/** What is told where nobody was served. */
export const failed = (code: string, message = /./u): unknown =>
  expect.objectContaining({
    served: 0,
    status: expect.objectContaining({
      failure: expect.objectContaining({ code, message: expect.stringMatching(message) }),
    }),
  })

export async function startHosts(client: RedisClientName, own: Partial<Orders> = {}): Promise<Hosts> {
  const network = await (ofFile ??= startNetwork(NAMES, ['redis', 'auth', 'api'], ends))
  const { address, by } = network
  const cuts = new Map<string, () => Promise<void>>()
  // The next test finds it whole.
  onTestFinished(async () => {
    for (const mend of cuts.values()) await mend()
  })
  const redis = await startRedisServer({
    hasPort: true,
    by: by('redis'),
    // It is open to its network, which nobody else is on.
    settings: [
      ['bind', address('redis')],
      ['protected-mode', 'no'],
    ],
  })
  onTestFinished(() => redis.close())
  const inside = { kind: 'redis', client, at: { path: redis.socket } } as const
  const at: RedisAddress = { host: address('redis'), port: redis.port }
  const fleet = await startFleet(inside, {
    processes: NAMES.length,
    callers: CALLERS,
    byOf: (n) => by(NAMES[n] ?? ''),
    waysTo: (ports) => waysTo(network, redis.folder, ports),
    orders: { place: { ...inside, at }, lease: LEASE, timeout: TIMEOUT, cooldown: 1, ...own },
  })
  const [a, b, c] = fleet.members
  if (a === undefined || b === undefined || c === undefined) throw new Error('no members')
  return {
    ...fleet,
    hosts: [a, b, c],
    store: await opened(inside),
    cut: async (host, service) => {
      cuts.set(`${host} ${service}`, () => network.heal(host, service))
      await network.cut(host, service)
    },
    heal: async (host, service) => {
      cuts.delete(`${host} ${service}`)
      await network.heal(host, service)
    },
  }
}

/**
 * The servers are on this machine's loopback. From there a way leads to the place of each in the network, over a socket in the file
 * system, and from there to the loopback of each host, whose process hands it on: what is sent in the clear goes to loopback only, as it
 * has to.
 */
async function waysTo(network: Network, folder: string, ports: ServerPorts): Promise<Orders['ways']> {
  return Promise.all(
    Object.entries(ports).map(async ([service, port]) => {
      const [path, there] = [`${folder}/${service}`, { host: network.address(service), port }]
      const here = { host: '127.0.0.1', port }
      const relay = await startRelay({ path }, here)
      onTestFinished(() => relay.close())
      const relayer = await (relayers[service] ??= startRelayer(network.by(service)))
      await relayer([there, { path }])
      return [here, there] as const
    }),
  )
}

/** @returns what makes a way */
async function startRelayer(by: string[]): Promise<(way: unknown) => Promise<void>> {
  const [command, ...args] = [...by, process.execPath, programOf('relayer')]
  const child = spawn(command, args, { stdio: ['pipe', 'pipe', 'inherit'] })
  const exit = once(child, 'exit')
  ends(async () => {
    child.kill('SIGKILL')
    await exit
  })
  return async (way) => {
    child.stdin.write(`${JSON.stringify(way)}\n`)
    await once(child.stdout, 'data')
  }
}
