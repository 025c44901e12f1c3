import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { binary } from './binaries.ts'
import { freePort } from './free-port.ts'
import { whenGone } from './leash.ts'

/** A real Redis server with its own folder. */
export interface RedisServer {
  /** The path of its Unix socket. */
  readonly socket: string
  /** Its port on loopback; 0 if it has none. */
  readonly port: number
  readonly folder: string
  /** Kills the server, as a crash would. */
  kill(): Promise<void>
  /** Starts the server again, with the data that it has written. */
  start(): Promise<void>
  close(): Promise<void>
}

/** Options of a Redis server. */
export interface RedisServerOptions {
  /** True: acknowledged writes survive a kill, because the server waits for the disk after each write. Default: true. */
  readonly isDurable?: boolean
  /** True: the server also listens on a free port. */
  readonly hasPort?: boolean
  /** Settings of redis.conf, such as `['replicaof', '127.0.0.1 6379']`. */
  readonly settings?: readonly (readonly [name: string, value: string])[]
  /** A command that starts the server, such as `['ip', 'netns', 'exec', 'a']`. */
  readonly by?: readonly string[]
}

export async function startRedisServer(options: RedisServerOptions = {}): Promise<RedisServer> {
  const { isDurable = true, hasPort = false, settings = [], by = [] } = options
  const path = await binary('redis-server', 'redis-server')
  const folder = await mkdtemp(join(tmpdir(), 'llm-refresh-redis-'))
  const socket = join(folder, 'socket')
  const port = hasPort ? await freePort() : 0
  const config = [
    ['port', String(port)],
    ['unixsocket', socket],
    ['dir', folder],
    ['save', ''],
    ['appendonly', isDurable ? 'yes' : 'no'],
    // With `everysec` Redis may acknowledge a write before it is on the disk, and a kill would lose it.
    ['appendfsync', 'always'],
    ['bind', '127.0.0.1'],
    ['enable-debug-command', 'yes'],
    ...settings,
  ]
  let child: ChildProcess | undefined
  const start = async (): Promise<void> => {
    const [program = path, ...args] = [
      ...by,
      path,
      ...config.flatMap(([name, value]) => [`--${name}`, ...value.split(' ')]),
    ]
    const started = spawn(program, args, { stdio: ['ignore', 'pipe', 'inherit'] })
    child = started
    started.once('exit', whenGone('kill -KILL "$0"; rm -rf "$1"', String(started.pid), folder))
    const said: string[] = []
    for await (const line of createInterface(started.stdout)) {
      said.push(line)
      if (/ready to accept connections/iu.test(line)) break
    }
    started.stdout.resume()
    if (started.exitCode !== null) throw new Error(`Redis does not start:\n${said.join('\n')}`)
  }
  const kill = async (signal: NodeJS.Signals = 'SIGKILL'): Promise<void> => {
    const running = child
    child = undefined
    if (running === undefined || running.exitCode !== null || running.signalCode !== null) return
    const exit = once(running, 'exit')
    running.kill(signal)
    await exit
  }
  await start()
  return {
    socket,
    port,
    folder,
    start,
    kill: () => kill(),
    close: async () => {
      await kill()
      await rm(folder, { recursive: true, force: true })
    },
  }
}
