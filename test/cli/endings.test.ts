import { createServer, type RequestListener, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { expect, onTestFinished, test } from 'vitest'
import { createCredential } from '../../src/index.ts'
import { oauth } from '../../src/sources/oauth/index.ts'
import { fileStore } from '../../src/stores/file/index.ts'
import { until } from '../support/until.ts'
import { machine } from './command.ts'

async function served(listener: RequestListener): Promise<string> {
  const server = createServer(listener)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => {
    server.close().closeAllConnections()
  })
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

/** A token endpoint that responds when the test says so. */
async function endpoint(name: string) {
  const waiting: ServerResponse[] = []
  const url = await served((request, response) => {
    request.resume().on('end', () => void waiting.push(response))
  })
  const token = {
    access_token: `${name}-2`,
    refresh_token: `${name}-refresh-2`,
    token_type: 'Bearer',
    expires_in: 600,
  }
  const respond = (): void =>
    waiting.splice(0).forEach((response) => {
      response.setHeader('content-type', 'application/json')
      response.end(JSON.stringify(token))
    })
  return { tokenEndpoint: `${url}/token`, waiting, respond }
}

/** Calls the route of each line of its input, and ends with 3 at an empty line. */
const CHILD = `
  const { env } = process
  console.log('at ' + env.LLM_REFRESH_ONE_URL + ' ')
  process.stdin.setEncoding('utf8').on('data', (text) => {
    const name = text.trim()
    if (name === '') process.exit(3)
    const headers = { authorization: 'Bearer ' + env['LLM_REFRESH_' + name + '_KEY'] }
    void fetch(env['LLM_REFRESH_' + name + '_URL'] + '/models', { headers }).catch(() => undefined)
  })`

test.each([undefined, 'SIGTERM'] as const)(
  '[L1, K17] given two refreshes, one of which waits for its lock, when the child ends, the other refresh runs on, and the signal is %s, then both new tokens are stored, and the exit code is the child’s',
  async (signal) => {
    const [one, two] = await Promise.all([endpoint('one'), endpoint('two')])
    let called = 0
    const llm = await served((request, response) => {
      called++
      request.resume()
      response.writeHead(401, { 'content-type': 'application/json' }).end('{"error":{"message":"expired"}}')
    })
    const definition = ({ tokenEndpoint }: typeof one) => ({
      source: 'oauth',
      tokenEndpoint,
      clientId: 'app',
    })
    const route = (credential: string) => ({ to: `${llm}/v1`, apply: 'bearer', credential })
    const { start, store: path } = await machine({
      credentials: { one: definition(one), two: definition(two) },
      routes: { one: route('one'), two: route('two') },
    })
    const store = fileStore({ path })
    for (const [key, { tokenEndpoint }] of Object.entries({ one, two })) {
      const credential = createCredential({ source: oauth({ tokenEndpoint, clientId: 'app' }), store, key })
      await credential.login({ access_token: key, refresh_token: `${key}-refresh`, expires_in: 3600 })
      await credential.flush()
    }
    let release = (): void => undefined
    const released = new Promise<undefined>((resolve) => (release = () => resolve(undefined)))
    let holding: Promise<unknown> = Promise.resolve()
    await new Promise<void>((held) => {
      holding = store.update('one', () => {
        held()
        return released
      })
    })
    const running = start(['run', '--', process.execPath, '-e', CHILD])
    const [, url] = await running.until(/at (\S+) /)
    running.child.stdin.write('ONE\n')
    await until(async () => called > 0)
    running.child.stdin.write('TWO\n')
    await until(async () => two.waiting.length > 0)
    running.child.stdin.write('\n')
    await until(() =>
      fetch(url ?? '').then(
        () => false,
        () => true,
      ),
    )
    if (signal !== undefined) running.child.kill(signal)
    release()
    await holding
    await until(async () => one.waiting.length > 0)
    two.respond()
    const refreshToken = async (key: string) => (await store.read(key))?.token?.refreshToken
    await until(async () => (await refreshToken('two')) === 'two-refresh-2')
    one.respond()
    expect(await running.ended).toMatchObject({ code: 3, stderr: '' })
    expect(await refreshToken('one')).toBe('one-refresh-2')
  },
)
