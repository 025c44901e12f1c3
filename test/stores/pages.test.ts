import { execFile } from 'node:child_process'
import { readdir, readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'
import { built, codeOf, project } from '../support/pages.ts'

const run = promisify(execFile)

async function textsIn(folder: string): Promise<string> {
  const names = await readdir(folder, { recursive: true })
  const files = await Promise.all(
    names.map(async (name) => {
      const path = join(folder, name)
      return (await stat(path)).isFile() ? readFile(path, 'utf8') : ''
    }),
  )
  return files.join('\n')
}

test('[S8] given the examples on sealed stores, then they adopt unsealed records, seal them, and read them again', async () => {
  const [first = '', reseal = '', , adopt = ''] = await codeOf('stores/sealed')
  const keys =
    "const keys: SealingKey[] = [{ id: '2026-11', secret: '0123456789abcdef0123456789abcdef0123456789A' }]"
  const withKeys = (code: string): string => code.replace('declare const keys: SealingKey[]', keys)
  const folder = await project({
    key: '0123456789abcdef0123456789abcdef0123456789A\n',
    'login.mts': `
      import { fileStore } from 'llm-refresh/stores/file'
      await fileStore().update('me@example.com', async () => ({ token: { accessToken: 'plain-access', refreshToken: 'r' } }))`,
    'adopt.mts': withKeys(adopt),
    'reseal.mts': withKeys(reseal),
    'first.mts': `${first}\nconsole.log((await credential.snapshot()).value.accessToken)`,
  })
  const state = join(folder, 'state')
  const env = { ...process.env, XDG_STATE_HOME: state, TOKEN_KEY_FILE: join(folder, 'key') }
  const runs = async (file: string): Promise<string> => {
    const { stdout, stderr } = await run(process.execPath, [await built(folder, file)], { cwd: folder, env })
    expect(stderr).toBe('')
    return stdout
  }
  await runs('login.mts')
  expect(await textsIn(state)).toContain('plain-access')
  for (const file of ['adopt.mts', 'reseal.mts']) {
    await runs(file)
    expect(await textsIn(state)).not.toContain('plain-access')
  }
  expect(await runs('first.mts')).toBe('plain-access\n')
})
