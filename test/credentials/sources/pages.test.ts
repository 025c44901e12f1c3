import { execFile } from 'node:child_process'
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { delimiter, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'
import { temporaryFolder } from './helpers.ts'

const run = promisify(execFile)
const root = fileURLToPath(new URL('../../../', import.meta.url))

/** The blocks of code on a page. */
async function codeOf(page: string): Promise<string[]> {
  const text = await readFile(join(root, 'docs/sources', `${page}.md`), 'utf8')
  return [...text.matchAll(/^```ts\n(.*?)^```$/gms)].map(([, code = '']) => code)
}

/** A project that has this package, as it is in `src`. */
async function project(files: Record<string, string>): Promise<string> {
  const folder = await temporaryFolder()
  const config = {
    extends: join(root, 'tsconfig.json'),
    compilerOptions: {
      paths: {
        'llm-refresh': [join(root, 'src/index.ts')],
        'llm-refresh/sources/*': [join(root, 'src/credentials/sources/*.ts')],
      },
    },
  }
  const all = { 'tsconfig.json': JSON.stringify(config), ...files }
  await Promise.all(Object.entries(all).map(([name, text]) => writeFile(join(folder, name), text)))
  return folder
}

test.each(['command', 'env', 'file'])('the example for %s gives a token', async (page) => {
  const [code = ''] = await codeOf(page)
  const folder = await project({
    'example.mts': `${code}\nconsole.log((await token.snapshot()).value)`,
    token: 'from-the-file\n',
  })
  await mkdir(join(folder, 'bin'))
  const az = '#!/bin/sh\necho "{\\"accessToken\\": \\"from-$1-$2\\", \\"expires_on\\": 1900000000}"'
  await writeFile(join(folder, 'bin/az'), az, { mode: 0o755 })
  const env = {
    ...process.env,
    PATH: `${join(folder, 'bin')}${delimiter}${process.env['PATH']}`,
    TOKEN_FILE: join(folder, 'token'),
    OPENAI_API_KEY: 'from-the-environment',
  }
  const tsx = join(root, 'node_modules/tsx/dist/cli.mjs')
  const { stdout, stderr } = await run(process.execPath, [tsx, 'example.mts'], { cwd: folder, env })
  expect(stderr).toBe('')
  const expected = {
    command: 'from-account-get-access-token',
    env: 'from-the-environment',
    file: 'from-the-file',
  }
  expect(stdout).toContain(expected[page as keyof typeof expected])
})
