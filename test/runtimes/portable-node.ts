/**
 * The trials for Node, and for runtimes with Node's modules: the file store, and the surfaces and stores that use a client. `argv` holds the
 * origin and the URLs of the servers.
 */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createCredential, type Store } from 'llm-refresh'
import { oauth } from 'llm-refresh/sources/oauth'
import { fileStore } from 'llm-refresh/stores/file'
import { migratePostgres, postgresStore } from 'llm-refresh/stores/postgres'
import { redisStore } from 'llm-refresh/stores/redis'
import { refreshingInterceptor } from 'llm-refresh/undici'
import { portable, type Told } from './portable.ts'

const [origin = '', redisUrl = '', postgresUrl = ''] = process.argv.slice(2)

/** Checks that two credentials over one store, as in two processes, refresh a shared login once. */
async function shares(store: Store): Promise<void> {
  const key = `shared-${Math.random().toString(36).slice(2)}`
  const source = oauth({
    tokenEndpoint: `${origin}/token/${key}`,
    clientId: 'portable',
    clientSecret: 'secret',
  })
  const [one, other] = [createCredential({ source, store, key }), createCredential({ source, store, key })]
  await one.login({ accessToken: 'stale', refreshToken: `${key}.0`, expiresAt: Date.now() + 3_600_000 })
  await other.accessToken()
  const given = await Promise.all([
    one.accessToken({ rejected: 'stale' }),
    other.accessToken({ rejected: 'stale' }),
  ])
  const redeemed = await (await fetch(`${origin}/redemptions/${key}`)).text()
  if (given[0] !== given[1] || redeemed !== '1')
    throw new Error(`${given.join()}, redeemed ${redeemed} times`)
}

const trials: Readonly<Record<string, () => Promise<void>>> = {
  'fileStore()': async () => {
    const folder = await mkdtemp(join(tmpdir(), 'llm-refresh-portable-'))
    try {
      await shares(fileStore({ path: join(folder, 'store') }))
    } finally {
      await rm(folder, { recursive: true, force: true })
    }
  },
  'refreshingInterceptor(), with undici': async () => {
    const { Agent, request } = await import('undici')
    const key = `undici-${Math.random().toString(36).slice(2)}`
    const source = oauth({ tokenEndpoint: `${origin}/token/${key}`, clientId: 'portable', clientSecret: 's' })
    const token = createCredential({ source })
    await token.login({ accessToken: 'stale', refreshToken: `${key}.0`, expiresAt: Date.now() + 3_600_000 })
    const dispatcher = new Agent().compose(refreshingInterceptor(token, { origins: origin }))
    const { statusCode, body } = await request(`${origin}/api/echo`, {
      method: 'POST',
      body: 'hello',
      dispatcher,
    })
    const said = `${statusCode} ${await body.text()}`
    if (said !== '200 hello') throw new Error(said)
    await dispatcher.close()
  },
  'redisStore(), with ioredis': async () => {
    const { Redis } = await import('ioredis')
    const client = new Redis(redisUrl, { socketTimeout: 5_000 })
    try {
      await shares(redisStore(client))
    } finally {
      client.disconnect()
    }
  },
  'postgresStore(), with pg': async () => {
    const { Pool } = (await import('pg')).default
    const client = new Pool({ connectionString: postgresUrl })
    try {
      await migratePostgres(client)
      await shares(postgresStore(client))
    } finally {
      await client.end()
    }
  },
}

const told: Record<string, string> = { ...(await portable(origin)) }
for (const [name, run] of Object.entries(trials)) {
  if (name.startsWith('redis') && redisUrl === '') continue
  if (name.startsWith('postgres') && postgresUrl === '') continue
  const hung = new Promise<string>((resolve) => setTimeout(() => resolve('It hangs.'), 15_000))
  const ran = run().then(
    () => 'yes',
    (error: unknown) => String(error),
  )
  told[name] = await Promise.race([ran, hung])
}
console.log(JSON.stringify(told satisfies Told))
process.exit()
