import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { promisify } from 'node:util'
import { onTestFinished } from 'vitest'
import { binary } from './binaries.ts'
import type { Ends } from './ends.ts'

const run = promisify(execFile)

/** The prefix of our network namespaces. The process id and a number follow it. */
const PREFIX = 'llm-refresh'
let made = 0

/**
 * Hosts and services, each in its own network namespace. Each host has a cable to each service, and a test can cut it. The network is separate
 * from the machine's own network.
 */
export interface Network {
  /** The command that starts a program on a host, or in the namespace of a service. */
  by(name: string): string[]
  address(service: string): string
  /** Cuts a cable: packets get lost, and neither side gets an error. */
  cut(host: string, service: string): Promise<void>
  heal(host: string, service: string): Promise<void>
}

/**
 * Whether this machine lets us make networks. That takes Linux and root, and not every container permits it. If not, it prints a warning; in CI,
 * which must run everything, it throws.
 */
export async function canNetwork(): Promise<boolean> {
  const name = `${PREFIX}-${process.pid}-try`
  try {
    const ip = await binary('ip', 'iproute2')
    await run(ip, ['netns', 'add', name])
    await run(ip, ['netns', 'delete', name])
    return true
  } catch (error) {
    if (process.env['CI'] !== undefined) throw error
    console.warn('NOT RUN: hosts that are cut off from each other. It takes Linux and root.')
    return false
  }
}

/** @param endWith registers the removal of the network. Default: it is removed when the test is over */
export async function startNetwork(
  hosts: readonly string[],
  services: readonly string[],
  endWith: Ends = onTestFinished,
): Promise<Network> {
  const ip = await binary('ip', 'iproute2')
  await sweep(ip)
  const prefix = `${PREFIX}-${process.pid}-${made++}`
  const spaceOf = (name: string): string => `${prefix}-${name}`
  const ends = [...hosts, ...services]
  const spaces = ['switch', ...ends].map(spaceOf)
  endWith(async () => {
    await Promise.all(spaces.map((space) => run(ip, ['netns', 'delete', space]).catch(() => undefined)))
  })
  await batch(
    ip,
    [],
    spaces.map((space) => `netns add ${space}`),
  )

  // Each service has a bridge, with a port for the service and for each host. They vanish with their namespace.
  const cables = services.flatMap((service) => [service, ...hosts].map((end) => ({ service, end })))
  await batch(
    ip,
    ['-n', spaceOf('switch')],
    [
      ...services.map((service) => `link add ${service} up type bridge`),
      ...cables.map(
        ({ service, end }) =>
          `link add ${portOf(end, service)} master ${service} up type veth peer name ${service} netns ${spaceOf(end)}`,
      ),
    ],
  )
  const addressOf = (service: string, end: string): string =>
    `10.98.${services.indexOf(service)}.${end === service ? 1 : 10 + hosts.indexOf(end)}`
  const connect = (end: string): Promise<void> => {
    const own = cables.filter((cable) => cable.end === end)
    return batch(
      ip,
      ['-n', spaceOf(end)],
      [
        'link set lo up',
        ...own.flatMap(({ service }) => [
          `address add ${addressOf(service, end)}/24 dev ${service}`,
          // A host then notices within a short time, not after seconds, that no machine has the address.
          `ntable change name arp_cache dev ${service} retrans 100`,
          `link set ${service} up`,
        ]),
      ],
    )
  }
  await Promise.all(ends.map(connect))

  const set = async (host: string, service: string, state: 'up' | 'down'): Promise<void> => {
    await run(ip, ['-n', spaceOf('switch'), 'link', 'set', portOf(host, service), state])
  }
  return {
    by: (name) => [ip, 'netns', 'exec', spaceOf(name)],
    address: (service) => addressOf(service, service),
    cut: (host, service) => set(host, service, 'down'),
    heal: (host, service) => set(host, service, 'up'),
  }
}

function portOf(end: string, service: string): string {
  return `${end}-to-${service}`
}

async function batch(ip: string, options: string[], commands: string[]): Promise<void> {
  const child = spawn(ip, [...options, '-batch', '-'], { stdio: ['pipe', 'ignore', 'pipe'] })
  const said: string[] = []
  child.stderr.on('data', (chunk) => said.push(String(chunk)))
  child.stdin.end(commands.join('\n'))
  const [code] = (await once(child, 'close')) as [number]
  if (code !== 0) throw new Error(`ip ${options.join(' ')}: ${said.join('')}`)
}

/** Deletes the namespaces of processes that were killed during their tests. */
async function sweep(ip: string): Promise<void> {
  const { stdout } = await run(ip, ['netns', 'list'])
  for (const [name = '', pid] of stdout.matchAll(new RegExp(`^${PREFIX}-(\\d+)-\\S+`, 'gmu'))) {
    if (!isThere(Number(pid))) await run(ip, ['netns', 'delete', name]).catch(() => undefined)
  }
}

function isThere(pid: number): boolean {
  try {
    return process.kill(pid, 0)
  } catch {
    return false
  }
}
