import { execFile } from 'node:child_process'
import { mkdir, writeFile } from 'node:fs/promises'
import { delimiter, join } from 'node:path'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'
import { built, codeOf, project } from '../support/pages.ts'

const run = promisify(execFile)
test.each(['command', 'env', 'file'])(
  'given the example of the page on %s, when it runs, then it gets a token',
  async (page) => {
    const [code = ''] = await codeOf(`sources/${page}`)
    const folder = await project({
      'example.mts': `${code}\nconsole.log((await credential.snapshot()).value)`,
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
    const { stdout, stderr } = await run(process.execPath, [await built(folder, 'example.mts')], {
      cwd: folder,
      env,
    })
    expect(stderr).toBe('')
    const expected = {
      command: 'from-account-get-access-token',
      env: 'from-the-environment',
      file: 'from-the-file',
    }
    expect(stdout).toContain(expected[page as keyof typeof expected])
  },
)
