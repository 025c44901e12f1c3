import { chmod, mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { temporaryFolder } from '../support/folder.ts'
import { SECRET, startOidcServer } from '../support/oidc-server.ts'
import { machine } from './command.ts'

async function server() {
  const oidc = await startOidcServer({}, { interval: 1 })
  onTestFinished(() => oidc.close())
  const definition = {
    source: 'oauth',
    issuer: oidc.issuer,
    clientId: 'public',
    scope: 'openid offline_access',
    parameters: { prompt: 'consent' },
  }
  return { oidc, definition }
}

test('[L1] given a server with a device login, when a person confirms the code, then the login is stored, status shows it, and logout revokes it', async () => {
  const { oidc, definition } = await server()
  const { begin, run } = await machine({ credentials: { me: { ...definition, parameters: undefined } } })
  const login = begin(['login'])
  const [, code = ''] = await login.until(/enter the code (\S+)/)
  await oidc.confirm(code, 'allow')
  expect(await login.ended).toMatchObject({ code: 0, stdout: '' })
  expect(login.printed()).toContain('Logged in as me')
  const token = (await run(['token'])).stdout.trim()
  expect(await oidc.isActive(token)).toBe(true)
  const status = await run(['status', '--json'])
  expect(status.code).toBe(0)
  expect(JSON.parse(status.stdout)).toMatchObject([{ name: 'me', state: 'valid', canRefresh: true }])
  expect(status.stdout).not.toContain(token)
  expect(await run(['logout'])).toMatchObject({
    code: 0,
    stderr: 'llm-refresh: Logged out of me.\n'.slice(13),
  })
  expect(oidc.to('revocation').length).toBeGreaterThan(0)
  expect(await oidc.isActive(token)).toBe(false)
  expect(await run(['token'])).toMatchObject({ code: 3, stdout: '' })
  expect(await run(['status'])).toMatchObject({ code: 3 })
}, 60_000)

test('[L1] given a server with a device login, when the person declines, then the command says so and ends with 3', async () => {
  const { oidc, definition } = await server()
  const { begin } = await machine({ credentials: { me: { ...definition, parameters: undefined } } })
  const login = begin(['login', '--device'])
  const [, code = ''] = await login.until(/enter the code (\S+)/)
  await oidc.confirm(code, 'deny')
  const { code: exit, stderr } = await login.ended
  expect(exit).toBe(3)
  expect(stderr).toContain('declined')
}, 60_000)

test('[L1] given a browser, when the person logs in with it, then the browser gets the link as one argument and the login is stored', async () => {
  const { oidc, definition } = await server()
  const { begin, run, folder } = await machine({ credentials: { me: definition } })
  const browser = join(folder, 'browser')
  await writeFile(browser, `#!/bin/sh\nprintf '%s' "$#" > "${folder}/arguments"\n`, { mode: 0o755 })
  const login = begin(['login'], { BROWSER: browser, CI: '' })
  const [, url = ''] = await login.until(/browser: (\S+)\n/)
  await oidc.browse(url)
  expect(await login.ended).toMatchObject({ code: 0 })
  const status = JSON.parse((await run(['status', '--json'])).stdout) as object[]
  expect(status).toMatchObject([{ state: 'valid', canRefresh: true }])
}, 60_000)

test('[L1] given a service credential, when login runs, then it fetches a token, and asks no person', async () => {
  const { oidc } = await server()
  const definition = {
    source: 'oauth',
    issuer: oidc.issuer,
    clientId: 'basic',
    clientSecret: { env: 'CLIENT_SECRET' },
    grant: 'client_credentials',
  }
  const { run } = await machine({ credentials: { work: definition } })
  const env = { CLIENT_SECRET: SECRET }
  const ended = await run(['login'], env)
  expect(ended).toMatchObject({ code: 0, stdout: '' })
  expect(ended.stderr).toContain('Nobody logs in for work. There is a token: it expires in')
  expect(await run(['status'], env)).toMatchObject({ code: 0 })
})

test.each(['a folder that others may write to', 'a folder that nobody can make', 'a server that is down'])(
  '[L1] given the store is %s, when a person logs in, then nothing is asked of the person and of the server, and the message is that of `token`',
  async (store) => {
    const { oidc, definition } = await server()
    const shared = await temporaryFolder()
    const config =
      store === 'a server that is down'
        ? { type: 'redis', url: { env: 'REDIS_URL' }, timeout: 500 }
        : { type: 'file', path: join(shared, 'file', 'store') }
    const { run } = await machine({
      stores: { default: config },
      credentials: { me: { ...definition, parameters: undefined } },
    })
    if (store === 'a folder that others may write to') {
      await mkdir(join(shared, 'file'))
      await chmod(join(shared, 'file'), 0o777)
    } else await writeFile(join(shared, 'file'), '')
    const env = { REDIS_URL: 'redis://127.0.0.1:9' }
    const { code, stdout, stderr } = await run(['login'], env)
    expect({ code, stdout }).toEqual({ code: 4, stdout: '' })
    expect(stderr).toMatch(
      /^llm-refresh: stores\.default, for credentials\.me: .* Run: llm-refresh check me\n$/,
    )
    expect(stderr).toContain(config.type === 'redis' ? 'Redis at 127.0.0.1:9' : shared)
    // On a busy machine the store's limit may be over before the client gives up.
    const reason = / (?:did not respond within|cannot be used: the connection).*?(?= Run: )/
    const withoutReason = (text: string): string => text.replace(reason, '')
    expect(withoutReason(stderr)).toBe(withoutReason((await run(['token'], env)).stderr))
    expect(oidc.to('device_authorization')).toHaveLength(0)
  },
  60_000,
)

test('[L1] given a login that waits for a person, when it is interrupted, then it ends with 130 and leaves nothing', async () => {
  const { definition } = await server()
  const { start, run } = await machine({ credentials: { me: { ...definition, parameters: undefined } } })
  const login = start(['login', '--device'])
  await login.until(/enter the code/)
  login.child.kill('SIGINT')
  expect((await login.ended).code).toBe(130)
  expect(await run(['token'])).toMatchObject({ code: 3 })
})

test('[L1] given a credential that works and one without a login, when they are checked, then each finding has its level, and the error its fix', async () => {
  const { oidc, definition } = await server()
  const work = {
    source: 'oauth',
    issuer: oidc.issuer,
    clientId: 'basic',
    clientSecret: { env: 'CLIENT_SECRET' },
    grant: 'client_credentials',
  }
  const { run } = await machine({ credentials: { work, me: definition } })
  const env = { CLIENT_SECRET: SECRET, NODE_TLS_REJECT_UNAUTHORIZED: '0' }
  const one = await run(['check', 'work', '--json'], { CLIENT_SECRET: SECRET })
  expect(one).toMatchObject({ code: 0 })
  const all = await run(['check', '--json'], env)
  expect(all.code).toBe(3)
  const { findings } = JSON.parse(all.stdout) as {
    findings: { about: string | null; code: string; level: string; fix: string | null }[]
  }
  const codes = (about: string | null, level: string): string[] =>
    findings.filter((finding) => finding.about === about && finding.level === level).map(({ code }) => code)
  expect(codes(null, 'error')).toEqual(['tls_unchecked'])
  expect(codes('stores.default', 'ok')).toEqual(['store'])
  expect(codes('credentials.work', 'ok')).toEqual(['discovery', 'token_good'])
  expect(codes('credentials.me', 'error')).toEqual(['reauthentication_required'])
  expect(findings.find(({ code }) => code === 'reauthentication_required')?.fix).toBe(
    'Run: llm-refresh login me',
  )
})
