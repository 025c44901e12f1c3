import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { binary } from './binaries.ts'
import { freePort } from './free-port.ts'
import { type RedisServer, startRedisServer } from './redis-server.ts'

/** A real Redis Cluster of three nodes on loopback. */
export interface RedisCluster {
  readonly ports: readonly number[]
  close(): Promise<void>
}

export async function startRedisCluster(): Promise<RedisCluster> {
  const servers: RedisServer[] = []
  const close = async (): Promise<void> => {
    await Promise.all(servers.map((server) => server.close()))
  }
  try {
    for (let node = 0; node < 3; node++) {
      const settings: [string, string][] = [
        ['cluster-enabled', 'yes'],
        ['cluster-port', String(await freePort())],
      ]
      servers.push(await startRedisServer({ isDurable: false, hasPort: true, settings }))
    }
    const ports = servers.map(({ port }) => port)
    const cli = await binary('redis-cli', 'redis-tools')
    const nodes = ports.map((port) => `127.0.0.1:${port}`)
    await promisify(execFile)(cli, ['--cluster', 'create', ...nodes, '--cluster-yes'])
    return { ports, close }
  } catch (error) {
    await close()
    throw error
  }
}
