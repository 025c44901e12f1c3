import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { type AddressInfo, createConnection, createServer } from 'node:net'
import { createInterface } from 'node:readline'
import { Redis } from 'ioredis'
import { beforeEach, expect, onTestFinished, test } from 'vitest'
import { has } from '../support/binaries.ts'
import { startRedisServer } from '../support/redis-server.ts'
import { bundled } from './bundle.ts'
import type { Place } from './place.ts'
import { opened } from './places.ts'

const program = await bundled('leaver')
const isThere = await has('redis-server', 'redis-server')
beforeEach(({ skip }) => skip(!isThere))

const rows = (['ioredis', 'node-redis'] as const).flatMap((client) => [
  { client, while: 'while Redis is there', isDown: false },
  { client, while: 'while Redis is down', isDown: true },
])

test.each(rows)(
  '[S7] a process whose client is closed while it waits for a lock ends by itself, $while, by $client',
  async ({ client, isDown }) => {
    const redis = await startRedisServer()
    onTestFinished(() => redis.close())
    const place: Place = { kind: 'redis', client, at: { path: redis.socket } }
    const store = await opened(place)
    let letOn = (): void => undefined
    const isOn = new Promise<void>((resolve) => (letOn = resolve))
    await new Promise<void>((locked) => {
      const held = store.update('me', async () => {
        locked()
        await isOn
        return undefined
      })
      held.catch(() => undefined)
    })
    onTestFinished(letOn)

    const child = spawn(process.execPath, [program, JSON.stringify({ place, timeout: 1_000 })], {
      stdio: ['pipe', 'pipe', 'inherit'],
    })
    onTestFinished(() => void child.kill('SIGKILL'))
    const lines = createInterface(child.stdout)
    expect(await once(lines, 'line')).toEqual(['waiting'])
    const aside = new Redis(redis.socket)
    aside.on('error', () => undefined)
    onTestFinished(() => aside.disconnect())
    while (Number((await aside.pubsub('NUMSUB', 'llm-refresh:freed'))[1]) === 0);
    if (isDown) await redis.kill()
    const said = once(lines, 'line')
    const exit = once(child, 'exit')
    child.stdin.write('go\n')
    expect(await said).toEqual(['store_failed'])
    expect(await exit).toEqual([0, null])
  },
)

test.each(['ioredis', 'node-redis'] as const)(
  '[S7] a process whose client is closed while it waits, and tries in vain to get a connection to hear by, ends by itself, by %s',
  async (client) => {
    const redis = await startRedisServer()
    onTestFinished(() => redis.close())
    const store = await opened({ kind: 'redis', client, at: { path: redis.socket } })
    let letOn = (): void => undefined
    const isOn = new Promise<void>((resolve) => (letOn = resolve))
    await new Promise<void>((locked) => {
      void store.update('me', async () => {
        locked()
        await isOn
        return undefined
      })
    })
    onTestFinished(letOn)

    // Whoever has a connection keeps it; the next is cut, and then there are none to be had.
    let connections = 0
    let refused = (): void => undefined
    const isRefused = new Promise<void>((resolve) => (refused = resolve))
    const server = createServer((near) => {
      near.on('error', () => undefined)
      if (++connections > 1) {
        server.close()
        near.destroy()
        refused()
        return
      }
      const far = createConnection(redis.socket)
      far.on('error', () => undefined)
      near.pipe(far).pipe(near)
    })
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    const { port } = server.address() as AddressInfo

    const place: Place = { kind: 'redis', client, at: { host: '127.0.0.1', port } }
    const child = spawn(process.execPath, [program, JSON.stringify({ place, timeout: 1_000 })], {
      stdio: ['pipe', 'pipe', 'inherit'],
    })
    onTestFinished(() => void child.kill('SIGKILL'))
    const exit = once(child, 'exit')
    await isRefused
    child.stdin.write('go\n')
    expect(await exit).toEqual([0, null])
  },
)
