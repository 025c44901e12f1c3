import { readFile } from 'node:fs/promises'
import { expect, onTestFinished, test } from 'vitest'
import { createCredential } from '../../src/index.ts'
import { oauth } from '../../src/sources/oauth/index.ts'
import { fileStore } from '../../src/stores/file/index.ts'
import { startAuthorizationServer } from '../support/authorization-server.ts'
import { startLlmServer } from '../support/llm-server.ts'
import { machine } from './command.ts'

/** A person who has logged in at a server that ends a login whose refresh token comes twice, and a model behind it. */
async function loggedIn() {
  const server = await startAuthorizationServer()
  onTestFinished(() => server.close())
  const llm = await startLlmServer({ accepts: (token) => server.isActive(token) })
  onTestFinished(() => llm.close())
  const { issuer, client } = server
  const me = { source: 'oauth', issuer, clientId: client.id, clientSecret: { env: 'CLIENT_SECRET' } }
  const routes = { openai: { preset: 'openai', to: `${llm.url}/v1`, credential: 'me' } }
  const own = await machine({ credentials: { me }, routes })
  const login = await server.login()
  const source = oauth({ issuer, clientId: client.id, clientSecret: client.secret })
  const credential = createCredential({ source, store: fileStore({ path: own.store }), key: 'me' })
  const { accessToken, refreshToken } = login
  await credential.login({ access_token: accessToken, refresh_token: refreshToken, expires_in: 3600 })
  return { ...own, server, llm, login, env: { CLIENT_SECRET: client.secret } }
}

/** Calls the model once for each line of its input, and prints the status. */
const CALLER = `
  const { OPENAI_BASE_URL: url, OPENAI_API_KEY: key } = process.env
  const call = () => fetch(url + '/chat/completions', {
    method: 'POST',
    headers: { authorization: 'Bearer ' + key, 'content-type': 'application/json' },
    body: JSON.stringify({ model: 'gpt-4o', messages: [{ role: 'user', content: 'Hello' }] }),
  })
  let calls = 0
  const answer = async () => {
    const response = await call()
    await response.text()
    console.log('call ' + ++calls + ': ' + response.status)
  }
  console.log('ready')
  process.stdin.on('data', (lines) => { for (const _ of String(lines).trim().split('\\n')) void answer() })
  process.stdin.on('end', () => process.exit(0))`
const NODE = [process.execPath, '-e']

test('[L1] [X6] given a child that outlives several expiries, when it goes on calling, then each call succeeds, after one refresh for each expiry', async () => {
  const { start, server, login, env } = await loggedIn()
  const running = start(['run', '--', ...NODE, CALLER], env)
  await running.until(/ready/)
  for (let call = 1; call <= 4; call++) {
    running.child.stdin.write('\n')
    await running.until(new RegExp(`call ${call}: 200`))
    server.expireAccessTokens()
  }
  running.child.stdin.end()
  expect(await running.ended).toMatchObject({ code: 0, stderr: '' })
  expect({ redemptions: login.redemptions(), revoked: login.revoked() }).toEqual({
    redemptions: 3,
    revoked: false,
  })
}, 120_000)

test('[L1] [S1] given two runs at once over one login, when its token has expired, then both calls succeed after one refresh', async () => {
  const { start, server, login, env } = await loggedIn()
  const both = [1, 2].map(() => start(['run', '--', ...NODE, CALLER], env))
  for (const each of both) await each.until(/ready/)
  for (let expiry = 1; expiry <= 2; expiry++) {
    server.expireAccessTokens()
    for (const { child } of both) child.stdin.write('\n')
    for (const { until } of both) await until(new RegExp(`call ${expiry}: 200`))
  }
  for (const { child } of both) child.stdin.end()
  for (const { ended } of both) expect(await ended).toMatchObject({ code: 0, stderr: '' })
  expect({ redemptions: login.redemptions(), revoked: login.revoked() }).toEqual({
    redemptions: 2,
    revoked: false,
  })
}, 120_000)

test('[L1] given a child that forks, when it ends before its own child, then that one was served till then, and its key opens nothing any more', async () => {
  const { start, env } = await loggedIn()
  // The grandchild keeps the pipes open; the child ends when it is told to.
  const forking = `
    const { spawn } = require('node:child_process')
    spawn(process.execPath, ['-e', process.argv[1]], { stdio: 'inherit' })
    process.on('SIGUSR2', () => process.exit(5))`
  const caller = CALLER.replace(
    'const response = await call()',
    "const response = await call().catch(() => ({ status: 'gone', text: () => '' }))",
  ).replace("'end', () => process.exit(0)", "'end', () => void answer().then(() => process.exit(0))")
  const running = start(['run', '--', ...NODE, forking, caller], env)
  await running.until(/ready/)
  running.child.stdin.write('\n')
  await running.until(/call 1: 200/)
  const exit = new Promise((resolve) => running.child.once('exit', resolve))
  running.child.kill('SIGUSR2')
  expect(await exit).toBe(5)
  // With it the input has ended, at which the grandchild calls once more.
  await running.until(/call 2: gone/)
  expect((await running.ended).code).toBe(5)
}, 120_000)

test('[L1] given a child that is killed in the middle of a call, when it has ended, then the exit code says so, and the login is good', async () => {
  const { start, run, server, login, env } = await loggedIn()
  server.expireAccessTokens()
  const dying = CALLER.replace("'Hello'", "'Hello'.repeat(3)").replace(
    'const response = await call()',
    "const sent = call(); process.kill(process.pid, 'SIGKILL'); const response = await sent",
  )
  const running = start(['run', '--', ...NODE, dying], env)
  await running.until(/ready/)
  running.child.stdin.write('\n')
  expect(await running.ended).toMatchObject({ code: 137, stderr: '' })
  expect(await run(['token', '--min-ttl', '2h'], env)).toMatchObject({ code: 0 })
  expect(login.revoked()).toBe(false)
}, 120_000)

test.each(['SIGTERM', 'SIGINT', 'SIGHUP'] as const)(
  '[L1] given a run that is PID 1 of a container, when %s comes, then the child gets it, and the exit code is its own',
  async (signal) => {
    const { under, env } = await loggedIn()
    const child = `process.on('${signal}', () => process.exit(9)); console.log('ready', process.ppid); setInterval(() => {}, 1000)`
    const contained = under(
      ['unshare', '-rpf', '--mount-proc', '--kill-child'],
      ['run', '--', ...NODE, child],
      env,
    )
    await contained.until(/ready 1\n/)
    const { pid } = contained.child
    const first = await readFile(`/proc/${pid}/task/${pid}/children`, 'utf8')
    process.kill(Number(first.trim()), signal)
    expect(await contained.ended).toMatchObject({ code: 9, stderr: '' })
  },
  60_000,
)

test('[L1] given a terminal, when the person interrupts, then the child hears of it once, and ends the run as it likes', async () => {
  const { onTerminal, env } = await loggedIn()
  const child = `process.on('SIGINT', () => console.log('interrupted'))
    process.stdin.on('data', () => process.exit(9)); console.log('ready ' + process.stdout.isTTY)`
  const running = onTerminal(['run', '--', ...NODE, child], env)
  await running.until(/ready true/)
  running.child.stdin.write('\u0003')
  await running.until(/interrupted/)
  running.child.stdin.write('end\n')
  const { code, stdout } = await running.ended
  expect(code).toBe(9)
  expect(stdout.match(/interrupted/g)).toHaveLength(1)
}, 60_000)
