import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { expect, onTestFinished, test } from 'vitest'
import { createCredential } from '../../src/index.ts'
import { oauth } from '../../src/sources/oauth/index.ts'
import { fileStore } from '../../src/stores/file/index.ts'
import { FORMS, leaksIn, SPECIAL, WORD } from '../credential/canary-places.ts'
import { ManualClock } from '../support/manual-clock.ts'
import { machine } from './command.ts'

/** What an endpoint says, with everything that it was sent, in every form. */
const KINDS: Readonly<
  Record<string, (said: string) => readonly [status: number, type: string, body: string]>
> = {
  'an ended login': (said) => [
    400,
    'application/json',
    JSON.stringify({ error: 'invalid_grant', error_description: said }),
  ],
  'a refusal in the code': (said) => [401, 'application/json', JSON.stringify({ error: said })],
  'an outage': (said) => [503, 'text/plain', said],
  'a page': (said) => [200, 'text/html', `<html><title>${said}</title></html>`],
  'a type of token': (said) => [
    200,
    'application/json',
    JSON.stringify({ access_token: `${said}\n`, token_type: said, refresh_token: said }),
  ],
}

async function endpoint(kind: string): Promise<string> {
  const server = createServer((request, response) => {
    let body = ''
    request.setEncoding('utf8').on('data', (text: string) => (body += text))
    request.on('end', () => {
      const forms = Object.values(FORMS).map((write) => write(SPECIAL).replaceAll(/[\r\n]/g, ''))
      const said = [...forms, body, request.headers.authorization].join(' ')
      const [status, type, text] = KINDS[kind]?.(said) ?? [500, '', '']
      response.writeHead(status, { 'content-type': type }).end(text)
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => {
    server.close().closeAllConnections()
  })
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

const COMMANDS: readonly (readonly string[])[] = [
  ['token'],
  ['status', '--json'],
  ['check', '--json'],
  ['run', '--', 'true'],
  ['logout'],
]

test.each(Object.keys(KINDS))(
  '[L3] [Z1] given an endpoint that responds with %s and repeats every secret, when commands fail, then no output shows one',
  async (kind) => {
    const origin = await endpoint(kind)
    const credential = {
      source: 'oauth',
      tokenEndpoint: `${origin}/token`,
      clientId: 'app',
      clientSecret: { env: 'CLIENT_SECRET' },
    }
    const routes = { openai: { preset: 'openai', to: `${origin}/v1`, credential: 'work' } }
    const { run, store } = await machine({ credentials: { work: credential }, routes })
    const source = oauth({ tokenEndpoint: credential.tokenEndpoint, clientId: 'app', clientSecret: SPECIAL })
    // An hour ago: the token has expired.
    const clock = new ManualClock(Date.now() - 3_600_000)
    await createCredential({ source, store: fileStore({ path: store }), key: 'work', clock }).login({
      access_token: `${WORD}-access`,
      refresh_token: `${WORD}-refresh`,
      expires_in: 60,
    })
    const printed: string[] = []
    for (const words of COMMANDS) {
      const { code, stdout, stderr } = await run(words, { CLIENT_SECRET: SPECIAL })
      printed.push(`${words.join(' ')} (${code}): ${stdout}${stderr}`)
    }
    expect(printed.filter((text) => leaksIn(text).length > 0)).toEqual([])
    expect(printed.join('\n')).toMatch(/llm-refresh: .{20}/)
  },
  240_000,
)

const URLS: readonly (readonly [type: string, url: string])[] = [
  ['redis', `redis://ann:${WORD}@127.0.0.1:9/0`],
  ['redis', `redis://ann:${WORD}%@127.0.0.1:9/0`],
  ['redis', `redis://ann:${WORD}@[127.0.0.1:9/0`],
  ['redis', `http://ann:${WORD}@127.0.0.1:9/0`],
  ['postgres', `postgres://ann:${WORD}@127.0.0.1:9/db`],
  ['postgres', `postgres://ann:${WORD}%@127.0.0.1:9/db`],
  ['postgres', `postgres://ann:${WORD}@[127.0.0.1:9/db`],
  ['postgres', WORD],
]

test.each(URLS)(
  '[L3] [Z1] given a %s store whose URL %s holds a password and leads nowhere, when commands fail, then no output shows it',
  async (type, url) => {
    const stores = { default: { type, url: { env: 'STORE_URL' }, timeout: 500 } }
    const { run } = await machine({ stores, credentials: { work: { source: 'env', name: 'KEY' } } })
    const env = { STORE_URL: url, KEY: 'a-key' }
    const commands = [
      ['status', '--json'],
      ['check', '--json'],
    ]
    for (const { code, stdout, stderr } of await Promise.all(commands.map((words) => run(words, env)))) {
      expect(leaksIn(stdout + stderr), stdout + stderr).toEqual([])
      expect(stdout + stderr).not.toMatch(/fault of llm-refresh/)
      expect(code).not.toBe(0)
    }
  },
  120_000,
)
