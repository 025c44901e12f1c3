import { createServer } from 'node:http'
import {
  createCredential,
  createCredentialPool,
  type CredentialOptions,
  memoryStore,
  Refreshable,
  refreshingFetch,
} from '../../src/index.ts'
import { loadPeer } from '../../src/lib/optional-package.ts'
import { createProxy, createProxyKey } from '../../src/proxy/index.ts'
import { env } from '../../src/sources/env.ts'
import { file } from '../../src/sources/file.ts'
import { mcp, mcpLogin } from '../../src/sources/mcp/index.ts'
import { browserLogin } from '../../src/sources/oauth-browser.ts'
import { oauth } from '../../src/sources/oauth/index.ts'
import { workload } from '../../src/sources/workload/index.ts'
import { fileStore } from '../../src/stores/file/index.ts'
import { postgresStore } from '../../src/stores/postgres/index.ts'
import { redisStore } from '../../src/stores/redis/index.ts'
import { adoptUnsealed, sealedStore } from '../../src/stores/sealed/index.ts'
import { type Situation, situations } from './situation.ts'
import { CONTEXT } from './source.ts'

const cell = new Refreshable({ refresh: async () => 'a' })
const source = { issue: async () => ({ accessToken: 'a' }) }
const client = { tokenEndpoint: 'https://auth.example.com/token', clientId: 'app' }
const SERVER = 'https://mcp.example.com'
const { entry } = createProxyKey({ name: 'laptop' })
const route = { to: 'https://api.example.com', credential: cell }
const secret = new Uint8Array(32)
const NOT_INSTALLED: string = 'not-installed'

const oauthWith = (options: object): unknown => oauth({ ...client, ...options })
const mcpWith = (options: object): unknown => mcp(SERVER, options)
const sealedWith = (keys: unknown, options: object = {}): unknown =>
  sealedStore(memoryStore(), keys as never, options)
const proxyWith = (options: object): Promise<unknown> =>
  createProxy({ routes: { api: route }, keys: [entry], ...options }).listen()
const issuing = (options: object): Promise<unknown> => oauth({ ...client, ...options }).issue(CONTEXT)

/** With something of the platform replaced, or missing. */
async function replacing(
  target: object,
  name: string,
  value: unknown,
  bring: () => unknown,
): Promise<unknown> {
  const before = Object.getOwnPropertyDescriptor(target, name)
  Object.defineProperty(target, name, { value, configurable: true })
  try {
    return await bring()
  } finally {
    if (before === undefined) Reflect.deleteProperty(target, name)
    else Object.defineProperty(target, name, before)
  }
}

/** fileStore() where the home folder is no absolute path. */
const homeless = (platform: string): Promise<unknown> =>
  replacing(process, 'platform', platform, () => {
    const { HOME, XDG_STATE_HOME, USERPROFILE } = process.env
    Object.assign(process.env, { HOME: 'relative', USERPROFILE: 'relative' })
    Reflect.deleteProperty(process.env, 'XDG_STATE_HOME')
    try {
      return fileStore()
    } finally {
      for (const [name, value] of Object.entries({ HOME, XDG_STATE_HOME, USERPROFILE })) {
        if (value === undefined) Reflect.deleteProperty(process.env, name)
        else process.env[name] = value
      }
    }
  })

/** On a port of this machine that another program has. */
async function onTakenPort(bring: (port: number) => unknown): Promise<unknown> {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  try {
    return await bring(typeof address === 'object' ? (address?.port ?? 0) : 0)
  } finally {
    server.close()
  }
}

const keyOf = (name: string, length: number, usages: KeyUsage[]): Promise<CryptoKey> =>
  crypto.subtle.generateKey({ name, length }, false, usages)

/** What is refused where it is made. */
export const CONFIGURATION_SITUATIONS: readonly Situation[] = situations({
  '`createCredential({ ahead: 1 })`': () => createCredential({ source, ahead: 1 } as CredentialOptions),
  '`createCredentialPool({ idle: -1 })`': () => createCredentialPool({ source, idle: -1 }),
  '`accessToken({ rejected: 1 })`': () =>
    createCredential({ source }).accessToken({ rejected: 1 as unknown as string }),
  '`map()`': () => cell.map(undefined as never),
  'a package is not installed': () => loadPeer('jose', () => import(NOT_INSTALLED)),
  '`env()` is given a key instead of its name': () => env('sk-ant-1'),
  "`file('')`": () => file(''),

  "`oauth({ grant: { type: '' } })`": () => oauthWith({ grant: { type: '', parameters: {} } }),
  "`oauth({ grant: { type: 'urn:a', parameters: null } })`": () =>
    oauthWith({ grant: { type: 'urn:a', parameters: null } }),
  '`oauth({ grant: { parameters: { scope } } })`': () =>
    oauthWith({ grant: { type: 'urn:a', parameters: { scope: 'a' } } }),
  '`oauth({ parameters: { scope } })`': () => oauthWith({ parameters: { scope: 'a' } }),
  '`oauth({ scope })` with half a character': () => oauthWith({ scope: '\uD800' }),
  '`oauth({ clientSecret, clientAssertion })`': () => oauthWith({ clientSecret: 'a', clientAssertion: 'b' }),
  "`oauth({ grant: 'client_credentials' })` without a secret": () =>
    oauthWith({ grant: 'client_credentials', clientSecret: undefined }),
  "`oauth({ tokenEndpoint: 'ftp://…' })`": () => oauthWith({ tokenEndpoint: 'ftp://example.com/token' }),
  '`oauth({ privateKey })` with a public key': async () => {
    const { publicKey } = await crypto.subtle.generateKey({ name: 'ECDSA', namedCurve: 'P-256' }, false, [
      'sign',
      'verify',
    ])
    return oauthWith({ privateKey: { key: publicKey } })
  },
  'a private key is no PEM': () => issuing({ privateKey: { key: 'not a key' }, grant: 'client_credentials' }),
  'a private key is for another algorithm': () =>
    issuing({ privateKey: { key: { kty: 'EC', crv: 'P-256' }, alg: 'RS256' }, grant: 'client_credentials' }),
  'a private key is used on a page without https': () =>
    replacing(globalThis, 'crypto', {}, () =>
      issuing({ privateKey: { key: { kty: 'EC' } }, grant: 'client_credentials' }),
    ),
  "`browserLogin({ redirectUri: 'https://…' })`": () =>
    browserLogin({ ...client, open: () => undefined, redirectUri: 'https://app.example.com/callback' }),
  '`browserLogin()` without open': () => browserLogin({ ...client, open: undefined as never }),
  'the port of a redirect URI is taken': () =>
    onTakenPort((port) =>
      browserLogin({
        ...client,
        authorizationEndpoint: 'https://auth.example.com/authorize',
        redirectUri: `http://127.0.0.1:${port}/`,
        open: () => undefined,
      }),
    ),
  'a browser login runs where there is no node:http': () =>
    replacing(process, 'getBuiltinModule', undefined, () =>
      browserLogin({
        ...client,
        authorizationEndpoint: 'https://auth.example.com/authorize',
        open: () => undefined,
      }),
    ),
  "`workload({ for: 'openai', subjectTokenType: 'x' })`": () =>
    workload({ for: 'openai', subjectToken: () => 'a', subjectTokenType: 'x' } as never),

  '`mcp({ clientMetadataUrl })` without a path': () =>
    mcpWith({ clientMetadataUrl: 'https://app.example.com' }),
  '`mcp({ clientId, clientMetadataUrl })`': () =>
    mcpWith({ clientId: 'a', clientMetadataUrl: 'https://app.example.com/client.json' }),
  '`mcp({ clientMetadataUrl, clientSecret })`': () =>
    mcpWith({ clientMetadataUrl: 'https://app.example.com/client.json', clientSecret: 'a' }),
  "`mcp({ grant: 'client_credentials' })` without a client": () => mcpWith({ grant: 'client_credentials' }),
  '`mcp({ issuer, issuers })` that differ': () =>
    mcpWith({ issuer: 'https://a.example', issuers: ['https://b.example'] }),
  '`mcpLogin().finish()` without a binding': () =>
    mcpLogin(SERVER).finish('/callback?code=a', { binding: undefined as never }),
  '`mcpLogin().finish()` with what is no URL': () => mcpLogin(SERVER).finish('http://', { binding: 'a' }),

  "`fileStore({ path: 'a\\0b' })`": () => fileStore({ path: 'a\0b' }),
  '`fileStore({ trustParent: true })`': () => fileStore({ trustParent: true }),
  'the home folder is no absolute path': () => homeless('linux'),
  'the home folder is no absolute path, on Windows': () => homeless('win32'),
  '`redisStore({})`': () => redisStore({} as never),
  "`redisStore(client, { prefix: 'a{b}' })`": () => redisStore({ eval: async () => [] }, { prefix: 'a{b}' }),
  '`redisStore(client, { prefix: 1 })`': () => redisStore({ eval: async () => [] }, { prefix: 1 as never }),
  '`postgresStore({})`': () => postgresStore({} as never),
  "`postgresStore(client, { table: 'a b' })`": () =>
    postgresStore({ query: async () => ({ rows: [] }) }, { table: 'a b' }),
  '`sealedStore(store)`': () => sealedWith(undefined),
  '`sealedStore(store, [])`': () => sealedWith([]),
  '`sealedStore(store, [{ secret }])`': () => sealedWith([{ secret }]),
  "`sealedStore(store, [{ secret: 'a password' }])`": () => sealedWith([{ id: 'a', secret: 'not base64!' }]),
  '`sealedStore(store, [{ secret: 1 }])`': () => sealedWith([{ id: 'a', secret: 1 }]),
  '`sealedStore(store, [{ secret }])` with 16 bytes': () =>
    sealedWith([{ id: 'a', secret: new Uint8Array(16) }]),
  '`sealedStore(store, keys)` with one id twice': () =>
    sealedWith([
      { id: 'a', secret },
      { id: 'a', secret },
    ]),
  '`sealedStore(store, keys, { [adoptUnsealed]: 1 })`': () =>
    sealedWith([{ id: 'a', secret }], { [adoptUnsealed]: 1 }),
  '`sealedStore(store, keys)` with a key for AES-CBC': async () =>
    sealedWith([{ id: 'a', secret: await keyOf('AES-CBC', 256, ['encrypt']) }]),
  '`sealedStore(store, keys)` with a key that may only open': async () =>
    sealedWith([{ id: 'a', secret: await keyOf('AES-GCM', 256, ['decrypt']) }]),
  'a store is sealed on a page without https': () => {
    const store = sealedStore(memoryStore(), [{ id: 'a', secret }])
    return replacing(globalThis, 'crypto', {}, () =>
      store.update('me', async () => ({ token: { accessToken: 'a' } })),
    )
  },

  '`refreshingFetch()` where there is no fetch': () =>
    replacing(globalThis, 'fetch', undefined, () => refreshingFetch(cell, { origins: SERVER })),
  "`refreshingFetch({ origins: 'https://*.example.com' })`": () =>
    refreshingFetch(cell, { origins: 'https://*.example.com' }),
  "`createProxy({ routes: { 'a/b': … } })`": () => proxyWith({ routes: { 'a/b': route } }),
  '`createProxy({ keys })` with one name twice': () => proxyWith({ keys: [entry, entry] }),
  '`createProxy({ keys })` with a key instead of its hash': () =>
    proxyWith({ keys: [{ ...entry, hash: 'secret' }] }),
  '`createProxy({ keys: [{ routes: 1 }] })`': () => proxyWith({ keys: [{ ...entry, routes: 1 }] }),
  '`createProxy({ keys })` with a route that is not there': () =>
    proxyWith({ keys: [{ ...entry, routes: ['openai'] }] }),
  'the port of the proxy is taken': () => onTakenPort((port) => proxyWith({ port })),
  'a route of the proxy leads to the proxy': () =>
    onTakenPort(async (port) => port).then((port) =>
      proxyWith({ port, routes: { api: { ...route, to: `http://127.0.0.1:${Number(port)}` } } }),
    ),
})
