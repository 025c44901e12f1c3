import { createServer, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { expect, onTestFinished, test } from 'vitest'
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

test('[L1] given a status that is watched, when the login changes, then it is told again, and an interrupt ends it', async () => {
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
