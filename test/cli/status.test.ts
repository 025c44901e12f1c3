import { chmod, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { machine } from './command.ts'
import { client, loggedIn } from './logged-in.ts'

const MINE = { source: 'oauth', ...client }

test.each([
  [
    'another client',
    { ...MINE, clientId: 'another' },
    3,
    /^work: login needed .*another configuration · run: /,
  ],
  [
    'another endpoint',
    { ...MINE, tokenEndpoint: 'http://127.0.0.1:1/other' },
    3,
    /^work: login needed .*another configuration · run: /,
  ],
  ['a variable', { source: 'env', name: 'UNSET' }, 0, /^work: empty · the stored token was made for another/],
  ['a program', { source: 'command', command: ['true'] }, 0, /^work: empty · the stored token was made/],
])(
  '[L2] given a login, when its credential is configured for %s, then status does not call the stored token valid',
  async (_, work, code, line) => {
    const { run, write, store } = await machine({ credentials: { work: MINE } })
    await loggedIn(store)
    expect(await run(['status'])).toMatchObject({ code: 0, stdout: expect.stringMatching(/^work: valid/) })
    await write({ credentials: { work } })
    expect(await run(['status'])).toMatchObject({ code, stdout: expect.stringMatching(line) })
  },
)

test('[L2, L6] given a program that fails, when status and check are asked, then neither speaks of a refresh token or of a login, and check says to run the program', async () => {
  const { run, folder } = await machine({
    credentials: { work: { source: 'command', command: ['./helper'] } },
  })
  const path = join(folder, 'config', 'helper')
  await writeFile(path, '#!/bin/sh\nexit 1\n')
  await chmod(path, 0o755)
  expect((await run(['token'])).code).not.toBe(0)
  const [status, check] = [await run(['status']), await run(['check'])]
  expect(status.stdout).toMatch(/^work: empty/)
  for (const text of [status.stdout, check.stdout]) expect(text).not.toMatch(/refresh token|login/)
  expect(check.stdout).toContain('Run the program of credentials.work yourself, to see what it prints.')
})
