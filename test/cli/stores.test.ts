import { randomBytes } from 'node:crypto'
import { chmod } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { temporaryFolder } from '../support/folder.ts'
import { SECRET, startOidcServer } from '../support/oidc-server.ts'
import { startPostgres } from '../support/postgres-server.ts'
import { startRedisServer } from '../support/redis-server.ts'
import { machine } from './command.ts'

async function service() {
  const oidc = await startOidcServer()
  onTestFinished(() => oidc.close())
  const definition = {
    source: 'oauth',
    issuer: oidc.issuer,
    clientId: 'basic',
    clientSecret: { env: 'CLIENT_SECRET' },
    grant: 'client_credentials',
    store: 'team',
  }
  return { oidc, definition }
}

test('[L1] given a sealed Redis store, when several commands ask for a token, then they share one, and the server holds none', async () => {
  const redis = await startRedisServer({ hasPort: true })
  onTestFinished(() => redis.close())
  const { oidc, definition } = await service()
  const key = { id: '2026', secret: { env: 'SEALING_KEY' } }
  const team = { type: 'redis', url: { env: 'REDIS_URL' }, sealedWith: [key] }
  const { run } = await machine({ stores: { team }, credentials: { work: definition } })
  const env = {
    CLIENT_SECRET: SECRET,
    REDIS_URL: `redis://127.0.0.1:${redis.port}`,
    SEALING_KEY: randomBytes(32).toString('base64'),
  }
  const first = await run(['token'], env)
  expect(first).toMatchObject({ code: 0, stderr: '' })
  expect((await run(['token'], env)).stdout).toBe(first.stdout)
  expect(oidc.to('token')).toHaveLength(1)
  const status = await run(['status', '--json'], env)
  expect(JSON.parse(status.stdout)).toMatchObject([{ name: 'work', store: 'team', state: 'valid' }])
  const other = { ...env, SEALING_KEY: randomBytes(32).toString('base64') }
  const unreadable = await run(['status', '--json'], other)
  expect(JSON.parse(unreadable.stdout)).toMatchObject([{ state: 'unreadable' }])
  expect(unreadable.code).toBe(1)
  await redis.kill()
  const [away, looked] = await Promise.all([run(['token'], env), run(['status'], env)])
  // It costs nothing to ask for another one.
  expect({ code: away.code, lines: away.stderr.trimEnd().split('\n').length }).toEqual({ code: 0, lines: 1 })
  expect(away.stdout).toMatch(/^\S+\n$/)
  expect(looked).toMatchObject({ code: 4 })
}, 120_000)

test('[L1] given a PostgreSQL store without its table, when one logs in, then the table is made, and a token is shared', async () => {
  const postgres = await startPostgres()
  onTestFinished(() => postgres.close())
  const { oidc, definition } = await service()
  const team = { type: 'postgres', url: { env: 'DATABASE_URL' } }
  const { run } = await machine({ stores: { team }, credentials: { work: definition } })
  const env = { CLIENT_SECRET: SECRET, DATABASE_URL: postgres.url() }
  expect(await run(['login'], env)).toMatchObject({ code: 0, stdout: '' })
  expect(await run(['token'], env)).toMatchObject({ code: 0, stderr: '' })
  expect(oidc.to('token')).toHaveLength(1)
  expect(await run(['status'], env)).toMatchObject({ code: 0 })
}, 120_000)

test.each([
  [
    'a secret that is too short',
    [{ id: '2026', secret: { env: 'SHORT' } }],
    'The secret of the sealing key "2026" must be 32 bytes, not 8',
  ],
  [
    'two keys of one id',
    [1, 2].map(() => ({ id: '2026', secret: { env: 'LONG' } })),
    'Two sealing keys have the id "2026": give each its own.',
  ],
])(
  '[L4, E5] given %s, when a token is asked for, then the line names the key, and no option of the library',
  async (_, sealedWith, said) => {
    const { run } = await machine({
      stores: { default: { type: 'file', path: '../store', sealedWith } },
      credentials: { work: { source: 'command', command: ['echo', 'token'] } },
    })
    const secrets = { SHORT: randomBytes(8).toString('base64'), LONG: randomBytes(32).toString('base64') }
    const { code, stderr } = await run(['token'], secrets)
    expect(code).not.toBe(0)
    expect(stderr).toContain(said)
    expect(stderr).not.toContain("'keys")
  },
)

test('[L1] [S12] given a file store that others may write to, when it is used, then each command refuses it with a reason', async () => {
  const { definition } = await service()
  const shared = await temporaryFolder()
  const { run, runApart } = await machine({
    stores: { team: { type: 'file', path: join(shared, 'store') } },
    credentials: { work: definition },
  })
  const env = { CLIENT_SECRET: SECRET }
  expect(await run(['token'], env)).toMatchObject({ code: 0 })
  await chmod(shared, 0o777)
  for (const words of [
    ['check', '--json'],
    ['status', '--json'],
  ]) {
    const { code, stdout } = await runApart(words, env)
    expect(code).not.toBe(0)
    expect(stdout).toContain(shared)
  }
})
