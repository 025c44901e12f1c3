import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { secretReader } from '../../cli/src/config/secret.ts'
import { machine } from './command.ts'

const WORK = { credentials: { work: { source: 'env', name: 'KEY' } } }
const KEY = 'key-of-the-test'

/** A container's user that no file knows: Node has no home folder for it where HOME is not set. */
async function homeless(folder: string): Promise<NodeJS.ProcessEnv> {
  const path = join(folder, 'homeless.cjs')
  await writeFile(path, "require('node:os').homedir = () => { throw new Error('uv_os_homedir') }\n")
  return { HOME: undefined, NODE_OPTIONS: `--require ${path}`, KEY }
}

test('[L2] given a user without a home folder and a configuration that names all places, when a token is asked for, then it is printed', async () => {
  const { runApart, folder } = await machine(WORK)
  const env = await homeless(folder)
  for (const _ of ['first', 'again']) {
    expect(await runApart(['token', 'work'], env)).toMatchObject({ code: 0, stdout: `${KEY}\n`, stderr: '' })
  }
})

test('[L4] given a user without a home folder and no configuration, when a command runs, then one line names the variable to set', async () => {
  const { runApart, folder } = await machine(WORK)
  const env = { ...(await homeless(folder)), LLM_REFRESH_CONFIG: undefined }
  for (const words of [['token', 'work'], ['status']]) {
    const { code, stderr } = await runApart(words, env)
    expect(code).toBe(2)
    expect(stderr).toBe(
      'llm-refresh: This user has no home folder, and so no place for a configuration. Name it with --config, or set HOME.\n',
    )
  }
})

test('[L4] given a configuration or a secret in UTF-16, as Windows PowerShell writes it, then it is read', async () => {
  const { runApart, config, folder } = await machine()
  const content = {
    version: 1,
    stores: { default: { type: 'file', path: '../store' } },
    ...WORK,
  }
  for (const encode of [
    (text: string) => Buffer.from(`\uFEFF${text}\r\n`, 'utf16le'),
    (text: string) => Buffer.from(`\uFEFF${text}\r\n`, 'utf16le').swap16(),
    (text: string) => Buffer.from(`\uFEFF${text}\r\n`),
  ]) {
    await writeFile(config, encode(JSON.stringify(content)))
    expect(await runApart(['token', 'work'], { KEY })).toMatchObject({ code: 0, stdout: `${KEY}\n` })
    await writeFile(join(folder, 'secret'), encode('a-secret'))
    expect(await secretReader({ file: 'secret' }, folder, 'work')()).toBe('a-secret')
  }
})

test.skipIf(process.platform !== 'linux')(
  '[L4] given an output that cannot be written, then one line says so, and no fault of ours',
  async () => {
    const { under } = await machine(WORK)
    for (const words of [['token', 'work'], ['status'], ['token', 'work']]) {
      const { child, ended } = under(['sh', '-c', 'exec "$@" >/dev/full', 'sh'], words, { KEY })
      child.stdin.end()
      expect(await ended).toMatchObject({
        code: 1,
        stderr: 'llm-refresh: What this prints cannot be written (ENOSPC). Is the disk full?\n',
      })
    }
  },
)
