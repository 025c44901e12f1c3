import { execFile } from 'node:child_process'
import {
  chown,
  copyFile,
  lchown,
  mkdir,
  readdir,
  rename,
  rm,
  stat,
  symlink,
  writeFile,
} from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { describe, expect, onTestFinished, test } from 'vitest'
import { give, mustSkip, NEIGHBOUR, OWNER } from '../support/users.ts'
import { machine } from './command.ts'

const run = promisify(execFile)

/** A token endpoint whose response waits for something. */
async function endpoint(token: string, before: () => Promise<void>): Promise<string> {
  const server = createServer((request, response) => {
    const respond = async (): Promise<void> => {
      await before()
      response.setHeader('content-type', 'application/json')
      response.end(JSON.stringify({ access_token: token, token_type: 'Bearer', expires_in: 3600 }))
    }
    request.resume().on('end', () => void respond())
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => server.close().closeAllConnections())
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/token`
}

test('[L2] given a command that waits for a token, when a link to another configuration replaces its own meanwhile, then the next command uses the other one', async () => {
  const { folder, runApart } = await machine()
  const current = join(folder, 'current')
  const lead = async (to: string): Promise<void> => {
    await symlink(to, `${current}-next`)
    await rename(`${current}-next`, current)
  }
  const endpoints = {
    one: await endpoint('canary-one', () => lead('two')),
    two: await endpoint('canary-two', async () => undefined),
  }
  for (const [name, tokenEndpoint] of Object.entries(endpoints)) {
    const work = {
      source: 'oauth',
      tokenEndpoint,
      clientId: name,
      clientSecret: { env: 'CLIENT_SECRET' },
      grant: 'client_credentials',
    }
    const stores = { default: { type: 'file', path: '../store' } }
    const place = join(folder, name)
    await mkdir(place, { mode: 0o700 })
    const text = JSON.stringify({ version: 1, stores, credentials: { work } })
    await writeFile(join(place, 'config.jsonc'), text, { mode: 0o600 })
  }
  await lead('one')
  const { ctimeMs } = await stat(join(folder, 'two', 'config.jsonc'))
  const probe = join(folder, 'probe')
  for (let now = ctimeMs; now <= ctimeMs + 30; now = (await stat(probe)).ctimeMs) await writeFile(probe, '')
  const env = { LLM_REFRESH_CONFIG: join(current, 'config.jsonc'), CLIENT_SECRET: 'canary-secret' }
  expect(await runApart(['token'], env)).toMatchObject({ code: 0, stdout: 'canary-one\n' })
  expect(await runApart(['token'], env)).toMatchObject({ code: 0, stdout: 'canary-two\n' })
})

describe.skipIf(mustSkip)('users', () => {
  test('[L1] given a home of another user, when root runs a command, then it leaves nothing there', async () => {
    const { folder, runApart } = await machine()
    const home = join(folder, 'home')
    await mkdir(home)
    await give(home, OWNER, 0o755)
    expect(await runApart(['status'], { HOME: home })).toMatchObject({ code: 0 })
    expect(await readdir(home)).toEqual([])
  })

  test('[L1] given a folder for caches that all may write to, when another user has made a link or a folder there, then a command leaves nothing in it', async () => {
    const { folder, runApart } = await machine()
    const [caches, aim] = [join(folder, 'caches'), join(folder, 'aim')]
    await mkdir(caches)
    await mkdir(aim)
    const planted = join(caches, 'llm-refresh')
    await mkdir(planted)
    await give(planted, NEIGHBOUR, 0o777)
    expect(await runApart(['status'], { XDG_CACHE_HOME: caches })).toMatchObject({ code: 0 })
    expect(await readdir(planted)).toEqual([])
    await rm(planted, { recursive: true })
    await symlink(aim, planted)
    await lchown(planted, NEIGHBOUR, NEIGHBOUR)
    expect(await runApart(['status'], { XDG_CACHE_HOME: caches })).toMatchObject({ code: 0 })
    expect(await readdir(aim)).toEqual([])
  })

  test('[L1] given a user who is a number alone and has no home, when a command names its configuration, then it does its work without a cache', async () => {
    const { folder, config } = await machine({
      stores: { default: { type: 'file', path: '../store', trustParent: true } },
      credentials: { work: { source: 'env', name: 'TOKEN' } },
    })
    for (const path of [folder, join(folder, 'config'), config]) await chown(path, OWNER, OWNER)
    const dist = fileURLToPath(new URL('../../cli/dist/', import.meta.url))
    for (const file of ['llm-refresh.cjs', 'command.cjs', 'config.cjs', 'rest.cjs'])
      await copyFile(join(dist, file), join(folder, file))
    const env = { PATH: process.env['PATH'], TOKEN: 'canary' }
    const words = [join(folder, 'llm-refresh.cjs'), 'token', '--config', config]
    const { stdout, stderr } = await run(process.execPath, words, { env, uid: OWNER, gid: OWNER, cwd: '/' })
    expect([stdout, stderr]).toEqual(['canary\n', ''])
  })
})
