import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { promisify } from 'node:util'
import { onTestFinished } from 'vitest'
import { binary } from './binaries.ts'
import type { Ends } from './ends.ts'

const run = promisify(execFile)

/** What all names of ours begin with; then come the process that made them, and a number. */
const PREFIX = 'llm-refresh'
let made = 0

/**
 * Hosts and services, each in a network namespace of its own. A host has a cable to each service, which can be cut; there is no way out
 * of the network, and the machine's own network has no part in it.
 */
export interface Network {
  /** The command that starts a program on a host, or where a service is. */
  by(name: string): string[]
  address(service: string): string
  /** Nothing arrives any more, and nobody is told. */
  cut(host: string, service: string): Promise<void>
  heal(host: string, service: string): Promise<void>
}

/**
 * Whether this machine lets us make networks: it takes Linux and root, and not every container's root may. Where it does not, that is said;
 * CI has to run everything, and fails.
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

/** @param endWith default: with the test */
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

  // A bridge for each service, with a port for each who has a cable to it. They go with their namespace.
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
          // So that it takes no seconds until nobody is found to be there.
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

/** What a process left behind that was killed in the midst of its tests. */
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
