import { once } from 'node:events'
import { createServer } from 'node:net'
import pg from 'pg'
import { expect, onTestFinished, test, vi } from 'vitest'
import { postgresStore } from '../../../src/stores/postgres/index.ts'

/** A message of the server, as PostgreSQL frames it. */
function message(type: string, body: string | Buffer): Buffer {
  const bytes = Buffer.from(body)
  const length = Buffer.alloc(4)
  length.writeInt32BE(bytes.length + 4)
  return Buffer.concat([Buffer.from(type), length, bytes])
}

test('[S7] given a server that shuts down at the moment in which a pool’s connection is ready, when a statement waits for it, then the statement fails, and the process goes on', async () => {
  let connections = 0
  const server = createServer((socket) => {
    connections++
    socket.on('error', () => undefined)
    socket.once('data', () => {
      const ready = [message('R', Buffer.alloc(4)), message('Z', 'I')]
      const end = message('E', 'SFATAL\0VFATAL\0C57P01\0Mterminating connection\0\0')
      // In one piece: no promise settles in between.
      socket.end(Buffer.concat([...ready, end]))
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  const port = typeof address === 'object' ? (address?.port ?? 0) : 0
  const pool = new pg.Pool({
    host: '127.0.0.1',
    port,
    user: 'me',
    database: 'd',
    connectionTimeoutMillis: 1_000,
  })
  pool.on('error', () => undefined)
  const uncaught = vi.fn<() => void>()
  process.on('uncaughtException', uncaught)
  onTestFinished(async () => {
    process.off('uncaughtException', uncaught)
    await pool.end()
    server.close()
  })
  const read = postgresStore(pool, { timeout: 500 }).read('me')
  await expect(read).rejects.toMatchObject({ code: 'store_failed' })
  expect(connections).toBeGreaterThan(0)
  expect(uncaught).not.toHaveBeenCalled()
})
