import { createServer, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { expect, onTestFinished, test } from 'vitest'
import { onSignals } from '../../cli/src/lib/signals.ts'
import { until } from '../support/until.ts'
import { machine } from './command.ts'

test('[L1] [K17] given a token that is being redeemed, when SIGTERM comes, then the process ends with 143 and prints nothing of it', async () => {
  const waiting: ServerResponse[] = []
  let arrived = (): void => undefined
  const server = createServer((request, response) => {
    request.resume().on('end', () => {
      waiting.push(response)
      arrived()
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => {
    server.close().closeAllConnections()
  })
  const tokenEndpoint = `http://127.0.0.1:${(server.address() as AddressInfo).port}/token`
  const definition = {
    source: 'oauth',
    tokenEndpoint,
    clientId: 'app',
    clientSecret: { env: 'CLIENT_SECRET' },
    grant: 'client_credentials',
  }
  const { start, run } = await machine({ credentials: { work: definition } })
  const env = { CLIENT_SECRET: 'canary-secret' }
  const asked = new Promise<void>((resolve) => (arrived = resolve))
  const token = start(['token'], env)
  await asked
  token.child.kill('SIGTERM')
  const ended = await token.ended
  expect(ended).toMatchObject({ code: 143, stdout: '' })
  expect(ended.stderr).not.toContain('canary')
  // The next command is not kept waiting by what the first left behind.
  const again = new Promise<void>((resolve) => (arrived = resolve))
  const next = run(['token'], env)
  await again
  waiting.at(-1)?.writeHead(200, { 'content-type': 'application/json' })
  waiting.at(-1)?.end(JSON.stringify({ access_token: 'second', token_type: 'Bearer', expires_in: 60 }))
  expect(await next).toMatchObject({ code: 0, stdout: 'second\n' })
})

/** A token endpoint that responds when the test says so, and refuses a refresh token that it has seen. */
async function rotating() {
  const redeemed: string[] = []
  const waiting: (() => void)[] = []
  let arrived = (): void => undefined
  const server = createServer((request, response) => {
    let text = ''
    request.on('data', (chunk: Buffer) => (text += chunk.toString()))
    request.on('end', () => {
      const refreshToken = new URLSearchParams(text).get('refresh_token') ?? ''
      const isSpent = redeemed.includes(refreshToken)
      redeemed.push(refreshToken)
      const number = redeemed.length
      const token = {
        access_token: `a${number}`,
        refresh_token: `r${number}`,
        token_type: 'Bearer',
        expires_in: 600,
      }
      waiting.push(() => {
        response.writeHead(isSpent ? 400 : 200, { 'content-type': 'application/json' })
        response.end(JSON.stringify(isSpent ? { error: 'invalid_grant' } : token))
      })
      arrived()
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => {
    server.close().closeAllConnections()
  })
  const me = {
    source: 'oauth',
    tokenEndpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}/token`,
    clientId: 'app',
    grant: { type: 'refresh_token', refreshToken: { env: 'SEED' } },
  }
  const asked = new Promise<void>((resolve) => (arrived = resolve))
  const respond = (): void => waiting.splice(0).forEach((answer) => answer())
  return { me, redeemed, asked, respond, env: { SEED: 'r0' } }
}

test.each([
  ['SIGINT', 130],
  ['SIGTERM', 143],
  ['SIGHUP', 129],
] as const)(
  '[L1] [K17] given a login that is being redeemed, when %s comes, then its new token is stored before the process ends',
  async (signal, code) => {
    const { me, redeemed, asked, respond, env } = await rotating()
    const { start, run } = await machine({ credentials: { me } })
    const token = start(['token'], env)
    await asked
    token.child.kill(signal)
    // What passes a signal on that the terminal has sent already is no person in a hurry.
    token.child.kill(signal)
    if (signal === 'SIGINT') await token.until(/interrupt again to end at once/)
    respond()
    expect(await token.ended).toMatchObject({ code, stdout: '' })
    expect(await run(['token'], env)).toMatchObject({ code: 0, stdout: 'a1\n' })
    expect(redeemed).toEqual(['r0'])
  },
)

test('[L1] given a login that is being redeemed, when a person interrupts twice, then the process ends at once', async () => {
  const { me, asked, env } = await rotating()
  const { start } = await machine({ credentials: { me } })
  const token = start(['token'], env)
  await asked
  token.child.kill('SIGINT')
  await token.until(/interrupt again to end at once/)
  token.child.kill('SIGINT')
  expect((await token.ended).code).toBe(130)
})

/** Whether the server accepts no connection any more. */
function isRefused(url: string): Promise<boolean> {
  return fetch(`${url}/-/healthz`).then(
    () => false,
    () => true,
  )
}

test.each(['run', 'proxy', 'token'])(
  '[L1] given a command that brings no token, when `%s` is interrupted meanwhile, then it ends, and does not wait for that command',
  async (name) => {
    const { me, asked } = await rotating()
    const program = `fetch(${JSON.stringify(me.tokenEndpoint)}, { method: 'POST' }).catch(() => undefined)`
    // The test would reach its own limit long before this one.
    const work = { source: 'command', command: [process.execPath, '-e', program], timeout: 3_600_000 }
    const routes = { api: { preset: 'openai', to: 'https://llm.example.com/v1', credential: 'work' } }
    const { start, run } = await machine({ credentials: { work }, routes })
    const words = { run: ['run', 'api', '--', 'echo', 'started'], proxy: ['proxy', '--port', '0'] }[name]
    const key = (await run(['key', 'add', 'laptop'])).stdout.trim()
    const running = start(words ?? ['token'])
    let url = ''
    if (name === 'proxy') {
      url = (await running.until(/"url":"(http:[^"]+)"/))[1] ?? ''
      void fetch(`${url}/api/models`, { headers: { authorization: `Bearer ${key}` } }).catch(() => undefined)
    }
    await asked
    running.child.kill('SIGINT')
    if (name === 'proxy') {
      // A proxy serves the open request to its end, unless a second interrupt comes.
      await until(() => isRefused(url))
      running.child.kill('SIGINT')
    }
    expect((await running.ended).code).toBe(130)
  },
)

test('[L1] given a status that is watched, when the login changes, then the status is printed again, and an interrupt ends it', async () => {
  const { start, run } = await machine({ credentials: { work: { source: 'env', name: 'KEY' } } })
  const watching = start(['status', '--watch', '--json'])
  await watching.until(/"state":"empty"/)
  await run(['logout', 'work'])
  await watching.until(/\n\[.*"refreshedAt":\d+/)
  watching.child.kill('SIGINT')
  expect((await watching.ended).code).toBe(0)
})

test('[L1] given a reader that goes away, when data is printed, then the command ends without a complaint', async () => {
  const { start } = await machine({ credentials: { work: { source: 'env', name: 'KEY' } } })
  const running = start(['token'], { KEY: 'a-key' })
  running.child.stdout.destroy()
  expect(await running.ended).toMatchObject({ code: 0, stderr: '' })
})

test('[L1] given a signal that has arrived and waits for its turn, when another handler replaces the first, then the new one gets the signal', async () => {
  const told = { first: 0, second: 0 }
  onSignals(['SIGUSR2'], () => void told.first++)
  process.kill(process.pid, 'SIGUSR2')
  onSignals(['SIGUSR2'], () => void told.second++)
  process.kill(process.pid, 'SIGUSR2')
  await until(async () => told.second > 0)
  expect(told).toEqual({ first: 0, second: 2 })
})
