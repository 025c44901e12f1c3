import { readFile } from 'node:fs/promises'
import { expect, onTestFinished, test } from 'vitest'
import { createCredential } from '../../src/index.ts'
import { oauth } from '../../src/sources/oauth/index.ts'
import { fileStore } from '../../src/stores/file/index.ts'
import { startAuthorizationServer } from '../support/authorization-server.ts'
import { startLlmServer } from '../support/llm-server.ts'
import { machine, SIGNALLED } from './command.ts'

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

/** Calls the model once for each line of its input, and prints the status; `gone` where nobody listens. */
const CALLER = `
  call() {
    status=$(curl -s -o /dev/null -w '%{http_code}' -H "Authorization: Bearer $OPENAI_API_KEY" -H 'Content-Type: application/json' \\
      -d '{"model":"gpt-4o","messages":[{"role":"user","content":"Hello"}]}' "$OPENAI_BASE_URL/chat/completions")
    n=$((n + 1))
    [ "$status" = 000 ] && status=gone
    echo "call $n: $status"
  }
  n=0
  echo ready
  while read -r _; do call; done`
const SHELL = ['sh', '-c']
/** Calls the model, and kills itself before there is a response. */
const DYING = `
  const { OPENAI_BASE_URL: url, OPENAI_API_KEY: key } = process.env
  console.log('ready')
  process.stdin.once('data', () => {
    void fetch(url + '/chat/completions', {
      method: 'POST',
      headers: { authorization: 'Bearer ' + key, 'content-type': 'application/json' },
      body: JSON.stringify({ model: 'gpt-4o', messages: [{ role: 'user', content: 'Hello'.repeat(3) }] }),
    })
    process.kill(process.pid, 'SIGKILL')
  })`

test('[L1] [X6] given a child that outlives several expiries, when it goes on calling, then each call succeeds, after one refresh for each expiry', async () => {
  const { start, server, login, env } = await loggedIn()
  const running = start(['run', '--', ...SHELL, CALLER], env)
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
  const both = [1, 2].map(() => start(['run', '--', ...SHELL, CALLER], env))
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

test('[L1] given a child that forks, when it ends before its own child, then the proxy has served the grandchild until then, and the key opens nothing afterwards', async () => {
  const { start, env } = await loggedIn()
  // The grandchild keeps the pipes open; the child ends when it is told to. What a shell begins with & reads nothing.
  const forking = `exec 3<&0; { ${CALLER}; call; } <&3 & exec 0<&- 3<&-; trap 'exit 5' USR2; while :; do wait; done`
  const running = start(['run', '--', ...SHELL, forking], env)
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
  const running = start(['run', '--', process.execPath, '-e', DYING], env)
  await running.until(/ready/)
  running.child.stdin.write('\n')
  expect(await running.ended).toMatchObject({ code: 137, stderr: '' })
  expect(await run(['token', '--min-ttl', '2h'], env)).toMatchObject({ code: 0 })
  expect(login.revoked()).toBe(false)
}, 120_000)

test('[L1] given a run that is PID 1 of a container, when signals come, then the child gets each, and the exit code is its own', async () => {
  const { under, env } = await loggedIn()
  const contained = under(
    ['unshare', '-rpf', '--mount-proc', '--kill-child'],
    ['run', '--', ...SHELL, SIGNALLED],
    env,
  )
  await contained.until(/ready 1\n/)
  const { pid } = contained.child
  const first = await readFile(`/proc/${pid}/task/${pid}/children`, 'utf8')
  for (const name of ['INT', 'HUP', 'TERM'] as const) {
    process.kill(Number(first.trim()), `SIG${name}`)
    await contained.until(new RegExp(`got ${name}`))
  }
  expect(await contained.ended).toMatchObject({ code: 9, stderr: '' })
}, 60_000)

test('[L1] given a terminal, when the person interrupts, then the child gets one signal, and decides how the run ends', async () => {
  const { onTerminal, env } = await loggedIn()
  const child = `trap 'echo interrupted' INT; [ -t 1 ] && echo ready true
    until read -r _; do :; done; exit 9`
  const running = onTerminal(['run', '--', ...SHELL, child], env)
  await running.until(/ready true/)
  running.child.stdin.write('\u0003')
  await running.until(/interrupted/)
  running.child.stdin.write('end\n')
  const { code, stdout } = await running.ended
  expect(code).toBe(9)
  expect(stdout.match(/interrupted/g)).toHaveLength(1)
}, 60_000)
