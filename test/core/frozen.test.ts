import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createServer, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { setTimeout as pause } from 'node:timers/promises'
import { gzipSync } from 'node:zlib'
import { expect, onTestFinished, test } from 'vitest'
import { Refreshable } from '../../src/index.ts'
import { fileOfSource, program } from '../support/bundle.ts'
import { ManualClock } from '../support/manual-clock.ts'

/** ms; a frozen process sleeps for longer than five of them. */
const DEADLINE = 1_000
const FROZEN = 5.2 * DEADLINE

/**
 * A process whose refresh waits for a response. A second caller comes at the very moment that it wakes: its timer was due while the
 * process was frozen.
 */
const WAITING = `
  import { Refreshable } from '${fileOfSource('index.ts')}'
  // Else the first request would load Node's fetch in the time of the flight.
  await fetch('data:,')
  const cell = new Refreshable({
    deadline: ${DEADLINE},
    refresh: async ({ signal }) => (await fetch(process.argv[2], { method: 'POST', signal })).text(),
  })
  const told = (caller) => caller.then(({ value }) => value, (error) => error.code)
  const first = told(cell.snapshot())
  const second = new Promise((resolve) => setTimeout(() => resolve(told(cell.snapshot())), ${DEADLINE - 50}))
  process.on('message', () => undefined)
  process.send(await Promise.all([first, second]), () => process.disconnect())`

/** A token endpoint that holds each request until the test responds. */
async function endpoint() {
  const server = createServer((request, response) => {
    request.resume().on('end', () => server.emit('asked', response))
  }).listen(0, '127.0.0.1')
  onTestFinished(() => {
    server.closeAllConnections()
    server.close()
  })
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  const asked = new Promise<ServerResponse>((resolve) => server.once('asked', resolve))
  const counts = { requests: 0 }
  server.on('asked', () => counts.requests++)
  const next = (): Promise<ServerResponse> => asked
  return { url: `http://127.0.0.1:${port}/token`, counts, next }
}

async function started(url: string): Promise<ChildProcess> {
  const child = spawn(process.execPath, [await program(WAITING), url], {
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  })
  onTestFinished(() => void child.kill('SIGKILL'))
  return child
}

test('[C5, C13] given a process that was frozen for more than five deadlines, when the response arrived meanwhile, then its callers get it, and there was one request', async () => {
  const { url, counts, next } = await endpoint()
  const child = await started(url)
  const answered = once(child, 'message')
  const response = await next()
  child.kill('SIGSTOP')
  const body = gzipSync('token')
  response.writeHead(200, { 'content-encoding': 'gzip', 'content-length': body.length }).end(body)
  // The freeze itself, in real time: what is shown is what happens after it.
  await pause(FROZEN)
  child.kill('SIGCONT')
  expect((await answered)[0]).toEqual(['token', 'token'])
  expect(counts.requests).toBe(1)
})

test('[C5] given a real clock, when a call finds a flight past its deadlines, then the process reads input that has arrived before it gives the flight up', async () => {
  let now = Date.now()
  let calls = 0
  let land: (value: string) => void = () => undefined
  const cell = new Refreshable({
    deadline: 60_000,
    clock: { now: () => now },
    refresh: () => {
      calls++
      return new Promise<string>((resolve) => (land = resolve))
    },
  })
  void cell.snapshot().catch(() => undefined)
  now += 600_000
  const caller = cell.refresh({ generation: 0 })
  // The input: a few turns of the event loop later.
  setImmediate(() => setImmediate(() => land('arrived')))
  expect((await caller).value).toBe('arrived')
  expect(calls).toBe(1)
})

test('[C13] given a clock with its own timers, when a deadline passes, then the timer decides at once', async () => {
  const clock = new ManualClock()
  const cell = new Refreshable({
    refresh: () => new Promise<string>(() => undefined),
    deadline: 1_000,
    clock,
  })
  let ended = false
  cell.snapshot().catch(() => (ended = true))
  clock.tick(1_000)
  await Promise.resolve()
  await Promise.resolve()
  await Promise.resolve()
  await Promise.resolve()
  expect(ended).toBe(true)
})
