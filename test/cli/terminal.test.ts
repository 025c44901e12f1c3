import { stripVTControlCharacters } from 'node:util'
import { expect, onTestFinished, test } from 'vitest'
import { startTestServers } from '../../src/testing/index.ts'
import { machine } from './command.ts'

const ESCAPE = '\u001B['

test('[L1] given a pipe, when the demo runs, then each step is a line of JSON, one refresh serves each expiry, and nothing is left behind', async () => {
  const { run } = await machine()
  const { code, stdout, stderr } = await run(['demo'])
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
  const steps = stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Record<string, unknown>)
  expect(steps.map(({ event }) => event)).toEqual([
    'started',
    'round',
    'round',
    'round',
    'stream',
    'login_ended',
    'done',
  ])
  for (const step of steps.filter(({ event }) => event === 'round'))
    expect(step).toMatchObject({ calls: 20, answered: 20, refreshes: 1 })
  expect(steps.at(-2)).toMatchObject({ answered: 0, refreshes: 1, says: expect.stringContaining('log in') })
  expect(steps.at(-1)).toMatchObject({ ok: true })
  await expect(fetch(String(steps[0]?.['url']))).rejects.toThrow('fetch failed')
})

test('[L1] given a terminal, when the demo runs, then it prints sentences in colour', async () => {
  const { onTerminal } = await machine()
  const { code, stdout } = await onTerminal(['demo']).ended
  expect(code).toBe(0)
  expect(stdout).toContain(ESCAPE)
  expect(stripVTControlCharacters(stdout)).toMatch(
    /Expiry 3: 20 calls at once · .*1 refresh · 20 answers\r\n[^]*The login ends/,
  )
  expect(stdout).not.toContain('{"')
}, 120_000)

test('[L1] given a terminal, when tokens are valid, then status and check print colours, --json is indented, and a token is plain', async () => {
  const servers = await startTestServers()
  onTestFinished(() => servers.close())
  const { issuer } = servers
  const client = { clientId: 'app', clientSecret: { env: 'CLIENT_SECRET' }, grant: 'client_credentials' }
  const { run, onTerminal } = await machine({ credentials: { work: { source: 'oauth', issuer, ...client } } })
  const env = { CLIENT_SECRET: 'canary-secret' }
  const on = async (...words: string[]): Promise<string> => (await onTerminal(words, env).ended).stdout
  expect(await on('token')).toMatch(/^test-access-1-[\da-f]+\r\n$/)
  const [status, check, json] = await Promise.all([on('status'), on('check'), on('status', '--json')])
  expect(status).toContain(`work: ${ESCAPE}32mvalid${ESCAPE}39m`)
  expect(check).toContain(`${ESCAPE}32mok`)
  expect(json).toMatch(/^\[\r\n {2}\{/)
  const plain = [{ NO_COLOR: '1' }, { TERM: 'dumb' }].map((more) =>
    onTerminal(['status'], { ...env, ...more }),
  )
  for (const { ended } of plain) expect((await ended).stdout).toMatch(/^work: valid · it expires in/)
  expect((await run(['status'], env)).stdout).toMatch(/^work: valid · it expires in/)
}, 120_000)

test('[L1] given a terminal, when a proxy serves, then it prints its routes in words', async () => {
  const routes = { local: { to: 'https://llm.example.com', credential: 'work' } }
  const { onTerminal } = await machine({ credentials: { work: { source: 'env', name: 'KEY' } }, routes })
  const proxy = onTerminal(['proxy', '--port', '0'], { KEY: 'a-key' })
  await proxy.until(/local: http:\/\/127\.0\.0\.1:\d+\/local\r\n/)
  // What Ctrl-C types.
  proxy.child.stdin.write('\u0003')
  expect((await proxy.ended).code).toBe(130)
}, 120_000)
