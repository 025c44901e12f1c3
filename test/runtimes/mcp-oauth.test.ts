import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import {
  type Credential,
  createCredential,
  memoryStore,
  refreshingFetch,
  type Store,
} from '../../src/index.ts'
import { mcp, mcpLogin, type McpOptions } from '../../src/sources/mcp/index.ts'
import { hasWorkerd, type RunningWorker, startWorker } from './workerd.ts'

const isThere = await hasWorkerd()
beforeEach(({ skip }) => skip(!isThere))

let folder: string
let worker: RunningWorker
let host: RunningWorker
let url: string

beforeAll(async () => {
  if (!isThere) return
  folder = await mkdtemp(join(tmpdir(), 'llm-refresh-mcp-oauth-'))
  const [script, clientScript] = await Promise.all([
    bundled('mcp-oauth-worker.mjs'),
    bundled('mcp-client-worker.ts'),
  ])
  worker = await startWorker(script, {})
  url = `${worker.origin}/mcp`
  host = await startWorker(clientScript, { SERVER: url })
}, 300_000)

async function bundled(entry: string): Promise<string> {
  const outfile = join(folder, `${entry}.bundle.mjs`)
  await build({
    entryPoints: [fileURLToPath(new URL(entry, import.meta.url))],
    outfile,
    bundle: true,
    format: 'esm',
    conditions: ['workerd', 'worker', 'browser'],
    external: ['node:*', 'cloudflare:*'],
    logLevel: 'error',
  })
  return outfile
}

afterAll(async () => {
  await Promise.all([worker?.close(), host?.close()])
  if (folder !== undefined) await rm(folder, { recursive: true, force: true })
})

const CALLBACK = 'https://app.example.com/callback'

async function loggedIn(store: Store, options: McpOptions = {}): Promise<Credential> {
  const login = mcpLogin(url, { redirectUri: CALLBACK, store })
  const { url: begun, binding } = await login.begin()
  const back = (await fetch(begun, { redirect: 'manual' })).headers.get('location') ?? ''
  const credential = createCredential({
    source: mcp(url, { store, ...options }),
    store,
    key: 'me',
    clock: options.clock,
  })
  await credential.login(await login.finish(back, { binding }))
  return credential
}

const endTokens = async (): Promise<void> => void (await fetch(`${worker.origin}/end-tokens`))

async function said(credential: Credential): Promise<string> {
  const response = await refreshingFetch(credential, { origins: worker.origin })(url, { method: 'POST' })
  return response.text()
}

test("[A1, A5, A6] given Cloudflare's authorization server, when a person logs in with a client that registers itself, then the login outlives its access tokens, and the refresh token rotates", async () => {
  const store = memoryStore()
  const credential = await loggedIn(store)
  const seen = [(await store.read('me'))?.token?.refreshToken]
  expect(await said(credential)).toBe('{"said":"hello"}')
  for (let expiry = 1; expiry <= 3; expiry++) {
    await endTokens()
    const calls = await Promise.all(Array.from({ length: 5 }, () => said(credential)))
    expect(new Set(calls)).toEqual(new Set(['{"said":"hello"}']))
    expect(credential.status().generation).toBe(1 + expiry)
    seen.push((await store.read('me'))?.token?.refreshToken)
  }
  expect(new Set(seen).size).toBe(4)
  expect((await store.read('me'))?.madeFor).toMatchObject({ issuer: worker.origin })
}, 60_000)

test('[A5, A6, A8] given a client in its own Worker, when a person logs in through it and the access tokens expire, then each of its requests is served, and the refresh token rotates once', async () => {
  const ask = async (path: string, binding = ''): Promise<Record<string, string>> =>
    (await fetch(`${host.origin}${path}`, { headers: { 'x-binding': binding } })).json()
  const { url: begun = '', binding } = await ask('/begin')
  const back = (await fetch(begun, { redirect: 'manual' })).headers.get('location') ?? ''
  const { search } = new URL(back)
  expect(await ask(`/callback${search}`, 'x')).toMatchObject({ code: 'reauthentication_required' })
  expect(await ask(`/callback${search}`, binding)).toEqual({})
  const before = await ask('/call')
  expect(before).toMatchObject({ said: '{"said":"hello"}', refreshToken: expect.any(String) })
  await endTokens()
  const after = await Promise.all(Array.from({ length: 5 }, () => ask('/call')))
  expect(new Set(after.map((each) => each['said']))).toEqual(new Set(['{"said":"hello"}']))
  const [rotated, ...others] = new Set(after.map(({ refreshToken }) => refreshToken))
  expect(others).toEqual([])
  expect(rotated).not.toBe(before['refreshToken'])
}, 60_000)

test('[A3, A6] given a registration that the operator has deleted, when the token expires, then the error says to log in again, and a new login registers again', async () => {
  const store = memoryStore()
  const credential = await loggedIn(store)
  const { value } = await credential.snapshot()
  const before = value.extra?.['mcp']
  expect(before).toMatchObject({ issuer: worker.origin, client: expect.any(String) })
  const { client } = before as { client: string }
  await fetch(`${worker.origin}/forget-client?id=${client}`)
  await endTokens()
  await expect(credential.refresh(await credential.snapshot())).rejects.toMatchObject({
    code: 'reauthentication_required',
  })
  const again = await loggedIn(store)
  expect((await again.snapshot()).value.extra?.['mcp']).not.toEqual(before)
  expect(await said(again)).toBe('{"said":"hello"}')
}, 60_000)

test('[K9, A3] given a server that accepts the last refresh token until the new one is used, when the response with the new one is lost, then the same refresh sends the old one again, and the login is kept', async () => {
  const presented: (string | null)[] = []
  let isLosing = false
  const losing: typeof fetch = async (input, init) => {
    const sent = new Request(input, init)
    if (!isLosing || !sent.url.endsWith('/token')) return fetch(sent)
    presented.push(new URLSearchParams(await sent.clone().text()).get('refresh_token'))
    const response = await fetch(sent)
    if (presented.length > 1) return response
    await response.body?.cancel()
    throw new TypeError('fetch failed')
  }
  const credential = await loggedIn(memoryStore(), { fetch: losing })
  const before = await credential.snapshot()
  isLosing = true
  const { value } = await credential.refresh(before)
  expect(presented).toEqual([before.value.refreshToken, before.value.refreshToken])
  expect(value.refreshToken).not.toBe(before.value.refreshToken)
  expect(await said(credential)).toBe('{"said":"hello"}')
}, 60_000)
