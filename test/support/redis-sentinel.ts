import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { binary } from './binaries.ts'
import { freePort } from './free-port.ts'
import { leash } from './leash.ts'

/** A Redis Sentinel. It watches a primary. If the primary is gone, it makes a replica the primary. */
export interface RedisSentinel {
  /** The Sentinel's port on loopback. */
  readonly port: number
  close(): Promise<void>
}

/**
 * @param name the name of the watched primary
 * @param primary the primary's port on loopback
 * @param folder the folder for the Sentinel's configuration
 */
export async function startRedisSentinel(
  name: string,
  primary: number,
  folder: string,
): Promise<RedisSentinel> {
  const [path, port] = [await binary('redis-server', 'redis-server'), await freePort()]
  const config = join(folder, 'sentinel.conf')
  const lines = [
    `port ${port}`,
    'bind 127.0.0.1',
    `dir ${folder}`,
    `sentinel monitor ${name} 127.0.0.1 ${primary} 1`,
    `sentinel down-after-milliseconds ${name} 500`,
    `sentinel failover-timeout ${name} 5000`,
  ]
  await writeFile(config, lines.join('\n'))
  const child = spawn(path, [config, '--sentinel'], { stdio: ['ignore', 'pipe', 'inherit'] })
  leash(child)
  const exit = once(child, 'exit')
  for await (const line of createInterface(child.stdout)) if (line.includes('Sentinel ID is')) break
  child.stdout.resume()
  return {
    port,
    close: async () => {
      child.kill('SIGKILL')
      await exit
    },
  }
}
