import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmod, readFile, writeFile } from 'node:fs/promises'
import { createServer, type ServerResponse } from 'node:http'
import { createServer as createSecureServer } from 'node:https'
import { type AddressInfo, connect, createServer as createTcpServer, type Server } from 'node:net'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { expect, onTestFinished, test } from 'vitest'
import { createCredential } from '../../src/index.ts'
import { oauth } from '../../src/sources/oauth/index.ts'
import { fileStore } from '../../src/stores/file/index.ts'
import { binary } from '../support/binaries.ts'
import { until } from '../support/until.ts'
import { machine, type Machine, type Running } from './command.ts'

const TOKEN = 'canary-token'

interface Served extends Machine {
  readonly proxy: Running
  readonly url: string
  call(path: string): Promise<Response>
}

/** The command's proxy with a key, in front of an upstream. */
async function served(
  to: string,
  env: NodeJS.ProcessEnv = {},
  work: object = { source: 'env', name: 'KEY' },
): Promise<Served> {
  const at = await machine({ credentials: { work }, routes: { local: { to, credential: 'work' } } })
  const all = { KEY: TOKEN, ...env }
  const key = (await at.run(['key', 'add', 'laptop'], all)).stdout.trim()
  const proxy = at.start(['proxy', '--port', '0'], all)
  const [, url = ''] = await proxy.until(/"url":"(http:[^"]+)"/)
  const call = (path: string): Promise<Response> =>
    fetch(url + path, { headers: { authorization: `Bearer ${key}` } })
  return { ...at, proxy, url, call }
}

async function listening(server: Server): Promise<number> {
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  onTestFinished(() => void server.close())
  return (server.address() as AddressInfo).port
}

async function streaming(): Promise<{ to: string; streams: ServerResponse[] }> {
  const streams: ServerResponse[] = []
  const server = createServer((_, response) => {
    streams.push(response.writeHead(200, { 'content-type': 'text/event-stream' }))
    response.write('data: 1\n\n')
  })
  onTestFinished(() => server.closeAllConnections())
  return { to: `http://127.0.0.1:${await listening(server)}`, streams }
}

test('[X5] [L1] given an open stream, when SIGTERM comes, then no connection is accepted, the stream goes on to its end, and the proxy ends with 0', async () => {
  const { to, streams } = await streaming()
  const { proxy, url, call } = await served(to)
  const response = await call('/local/x')
  proxy.child.kill('SIGTERM')
  await expect
    .poll(
      () =>
        new Promise((resolve) =>
          connect(Number(new URL(url).port), '127.0.0.1')
            .on('error', () => resolve('refused'))
            .on('connect', () => resolve('accepted')),
        ),
    )
    .toBe('refused')
  streams[0]?.end('data: 2\n\n')
  expect(await response.text()).toBe('data: 1\n\ndata: 2\n\n')
  expect((await proxy.ended).code).toBe(0)
})

test.each([
  ['SIGINT', 130],
  ['SIGHUP', 0],
  ['SIGTERM', 0],
] as const)(
  '[L1] given a proxy, when %s comes, then it ends with %i, as its page says',
  async (signal, code) => {
    const { proxy } = await served('http://127.0.0.1:1')
    proxy.child.kill(signal)
    expect(await proxy.ended).toMatchObject({ code, signal: null })
    const page = await readFile(new URL('../../docs/cli.md', import.meta.url), 'utf8')
    expect(page).toContain('Ctrl-C ends `proxy` with 130, SIGTERM and SIGHUP end it with 0')
  },
)

test('[X5] [L1] given a proxy that drains, when a second signal comes, then the open stream is cut, and the proxy ends', async () => {
  const { to } = await streaming()
  const { proxy, url, call } = await served(to)
  const response = await call('/local/x')
  proxy.child.kill('SIGTERM')
  await expect
    .poll(() =>
      fetch(`${url}/-/healthz`).then(
        () => 'accepted',
        () => 'refused',
      ),
    )
    .toBe('refused')
  proxy.child.kill('SIGTERM')
  await expect(response.text()).rejects.toThrow('terminated')
  expect((await proxy.ended).code).toBe(0)
})

test('[X2] [L1] given an upstream that is frozen, when it is asked, then others are served meanwhile, and when it goes on, then so does the request', async () => {
  const code = `require('node:http').createServer((request, response) => response.end('ok ' + request.url))
    .listen(0, '127.0.0.1', function () { console.log(this.address().port) })`
  const frozen = spawn(process.execPath, ['-e', code], { stdio: ['ignore', 'pipe', 'inherit'] })
  onTestFinished(() => void frozen.kill('SIGKILL'))
  const port = Number(String((await once(frozen.stdout, 'data'))[0]))
  const { call, url } = await served(`http://127.0.0.1:${port}`)
  expect(await (await call('/local/1')).text()).toBe('ok /1')
  frozen.kill('SIGSTOP')
  const [waiting, left] = [call('/local/2'), new AbortController()]
  const leaving = fetch(`${url}/local/3`, { signal: left.signal }).catch(() => 'left')
  expect(await (await fetch(`${url}/-/healthz`)).text()).toBe('ok\n')
  left.abort()
  await leaving
  frozen.kill('SIGCONT')
  expect(await (await waiting).text()).toBe('ok /2')
})

test('[X1] [L1] given a running proxy, when its file of keys is damaged, or others may write to it, then it says so and keeps its keys; when the file is whole again, then it counts', async () => {
  const { to, streams } = await streaming()
  const { proxy, call, folder, run } = await served(to)
  const file = join(folder, '.local/state/llm-refresh-cli/keys.json')
  const whole = await readFile(file, 'utf8')
  await writeFile(file, '{ "version": 1, "ke')
  await proxy.until(/keys\.json/)
  expect((await call('/local/x')).status).toBe(200)
  await writeFile(file, whole)
  await chmod(file, 0o600)
  await run(['key', 'remove', 'laptop'])
  await expect.poll(async () => (await call('/local/x')).status, { timeout: 20_000 }).toBe(401)
  for (const stream of streams) stream.end()
})

test('[X5] [L1] given a running proxy, when no one reads its audit any more, then it goes on serving', async () => {
  const { to, streams } = await streaming()
  const { proxy, call } = await served(to)
  proxy.child.stdout.destroy()
  proxy.child.stderr.destroy()
  for (const _ of [1, 2, 3]) {
    const response = await call('/local/x')
    expect(response.status).toBe(200)
    streams.pop()?.end()
    await response.text()
  }
  expect(proxy.child.exitCode).toBe(null)
})

test('[X4] [L1] given a proxy of the machine and a CA of its own, when an upstream is elsewhere, then requests go that way, and its certificate counts', async () => {
  const openssl = await binary('openssl', 'openssl')
  const { folder } = await machine()
  const [key, cert] = [join(folder, 'key.pem'), join(folder, 'cert.pem')]
  const subject = ['-subj', '/CN=api.example.com', '-addext', 'subjectAltName=DNS:api.example.com']
  await promisify(execFile)(openssl, [
    'req',
    '-x509',
    '-newkey',
    'rsa:2048',
    '-nodes',
    '-days',
    '2',
    '-keyout',
    key,
    '-out',
    cert,
    ...subject,
  ])
  const tokens: (string | undefined)[] = []
  const api = createSecureServer(
    { key: await readFile(key), cert: await readFile(cert) },
    (request, response) => {
      tokens.push(request.headers.authorization)
      response.end('from afar')
    },
  )
  const port = await listening(api)
  const asked: string[] = []
  const tunnel = createTcpServer((socket) => {
    socket.on('error', () => undefined)
    socket.once('data', (head: Buffer) => {
      asked.push(head.toString().split('\r\n')[0] ?? '')
      const far = connect(port, '127.0.0.1', () => {
        socket.write('HTTP/1.1 200 OK\r\n\r\n')
        far.pipe(socket).pipe(far)
      })
      far.on('error', () => socket.destroy())
    })
  })
  const through = { HTTPS_PROXY: `http://127.0.0.1:${await listening(tunnel)}` }
  const strange = await served('https://api.example.com/v1', through)
  expect((await strange.call('/local/x')).status).toBe(502)
  expect(tokens).toEqual([])
  const known = await served('https://api.example.com/v1', { ...through, NODE_EXTRA_CA_CERTS: cert })
  const got = await known.call('/local/x')
  expect([got.status, await got.text(), tokens]).toEqual([200, 'from afar', [`Bearer ${TOKEN}`]])
  expect(new Set(asked)).toEqual(new Set(['CONNECT api.example.com:443 HTTP/1.1']))
})

test('[X7] [L1] given a running proxy whose login has ended, when a person logs in by another process, then it goes on with the new login', async () => {
  const endpoint = createServer((_, response) =>
    response.writeHead(400, { 'content-type': 'application/json' }).end('{"error":"invalid_grant"}'),
  )
  const upstream = createServer(({ headers }, response) =>
    response.writeHead(headers.authorization === 'Bearer new' ? 200 : 401).end(),
  )
  const client = { tokenEndpoint: `http://127.0.0.1:${await listening(endpoint)}/token`, clientId: 'app' }
  const to = `http://127.0.0.1:${await listening(upstream)}`
  const { call, store } = await served(to, {}, { source: 'oauth', ...client })
  const elsewhere = createCredential({
    source: oauth(client),
    store: fileStore({ path: store }),
    key: 'work',
  })
  await elsewhere.login({ accessToken: 'old', refreshToken: 'spent' })
  expect((await call('/local/x')).status).toBe(401)
  await elsewhere.login({ accessToken: 'new', refreshToken: 'fresh' })
  await until(async () => (await call('/local/x')).status === 200)
})
