import { chmod, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { createCredential } from '../../src/index.ts'
import { command } from '../../src/sources/command/index.ts'
import { fileStore } from '../../src/stores/file/index.ts'
import { startRecordingServer } from '../support/recording-server.ts'
import { type Machine, machine } from './command.ts'

/** Puts a program beside the configuration that prints a token of its own, and notes each run. */
async function program({ folder }: Machine, name: string): Promise<void> {
  const path = join(folder, 'config', name)
  await writeFile(path, `#!/bin/sh\necho run >> "$0.runs"\necho "${name}-$*-$ACCOUNT" | tr " " "-"\n`)
  await chmod(path, 0o755)
}

const helper = (words: readonly string[], more: object = {}): object => ({
  credentials: { work: { source: 'command', command: words, ...more } },
})

test('[L2, K16] given a command in the configuration, when its program, arguments or variables change, then no token of the old one is printed', async () => {
  const own = await machine(helper(['./alice', 'x']))
  const { run, write, folder } = own
  await Promise.all([program(own, 'alice'), program(own, 'bob')])
  expect((await run(['token'])).stdout).toBe('alice-x-\n')
  expect((await run(['token'])).stdout).toBe('alice-x-\n')
  expect(await readFile(join(folder, 'config', 'alice.runs'), 'utf8')).toBe('run\n')
  await write(helper(['./bob', 'x']))
  expect((await run(['token'])).stdout).toBe('bob-x-\n')
  expect((await run(['token'])).stdout).toBe('bob-x-\n')
  expect(await readFile(join(folder, 'config', 'bob.runs'), 'utf8')).toBe('run\n')
  await write(helper(['./bob', 'y']))
  expect((await run(['token'])).stdout).toBe('bob-y-\n')
  await write(helper(['./bob', 'y'], { env: { ACCOUNT: 'b' } }))
  expect((await run(['token'])).stdout).toBe('bob-y-b\n')
  await write(helper([join(folder, 'config', 'bob'), 'y'], { env: { ACCOUNT: 'b' }, timeout: 9_000 }))
  expect((await run(['token'])).stdout).toBe('bob-y-b\n')
  expect(await readFile(join(folder, 'config', 'bob.runs'), 'utf8')).toBe('run\nrun\nrun\n')
})

test('[L2, K16] given a token that was printed before, when a command takes the place of its source, then the token of the command is printed', async () => {
  const server = await startRecordingServer((_request, response) => {
    response.setHeader('content-type', 'application/json')
    response.end(JSON.stringify({ access_token: 'service', token_type: 'Bearer', expires_in: 3600 }))
  })
  onTestFinished(() => server.close())
  const tokenEndpoint = `${server.origin}/token`
  const clientSecret = { env: 'CLIENT_SECRET' }
  const service = {
    source: 'oauth',
    tokenEndpoint,
    clientId: 'app',
    clientSecret,
    grant: 'client_credentials',
  }
  const own = await machine({ credentials: { work: service } })
  const { run, write } = own
  await program(own, 'alice')
  const env = { CLIENT_SECRET: 'canary-secret' }
  expect((await run(['token'], env)).stdout).toBe('service\n')
  expect((await run(['token'], env)).stdout).toBe('service\n')
  await write(helper(['./alice']))
  expect((await run(['token'], env)).stdout).toBe('alice--\n')
  await write({ credentials: { work: service } })
  expect((await run(['token'], env)).stdout).toBe('service\n')
  expect(server.requests).toHaveLength(2)
})

test('[L2, K16] given a program that uses the library with the same command and store, when the command line has a token, then both share it', async () => {
  const own = await machine(helper(['./alice', 'x']))
  await program(own, 'alice')
  expect((await own.run(['token'])).stdout).toBe('alice-x-\n')
  const file = join(own.folder, 'config', 'alice')
  const store = fileStore({ path: own.store })
  const credential = createCredential({ source: command({ file, args: ['x'] }), store, key: 'work' })
  expect(await credential.accessToken()).toBe('alice-x-')
  expect(await readFile(`${file}.runs`, 'utf8')).toBe('run\n')
})
