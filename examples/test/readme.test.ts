import { execFile } from 'node:child_process'
import { readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'
import { startLlmServer } from '../../test/support/llm-server.ts'
import { SECRET, startOidcServer } from '../../test/support/oidc-server.ts'
import { SAID } from '../clients/client.ts'

const examples = join(import.meta.dirname, '..')

test('[F7, K5] the program on the first screen of README.md runs, over a token that dies', async () => {
  const text = await readFile(join(examples, '../README.md'), 'utf8')
  const [, program = ''] = /^```ts\n(.*?)^```$/ms.exec(text) ?? []
  const authorization = await startOidcServer()
  let rejected = 0
  const llm = await startLlmServer({
    answer: SAID,
    // The first token has been revoked by the time that it is shown.
    accepts: async (token) => ++rejected > 1 && authorization.isActive(token),
  })
  // Beside the examples, so that it finds what they have installed.
  const file = join(examples, `readme-${process.pid}.ts`)
  try {
    const local = program
      .replaceAll('https://auth.example.com', authorization.issuer)
      .replaceAll('https://gateway.example.com/v1', llm.baseUrl.openai)
      .replaceAll('https://gateway.example.com', llm.url)
      .replace('my-agent', 'basic')
    await writeFile(file, local)
    const env = { PATH: process.env['PATH'], CLIENT_SECRET: SECRET }
    const options = { env, cwd: examples }
    const { stdout } = await promisify(execFile)(process.execPath, ['--import', 'tsx', file], options)
    expect(stdout).toBe(SAID)
    expect(authorization.to('token')).toHaveLength(2)
  } finally {
    await rm(file, { force: true })
    await Promise.all([llm.close(), authorization.close()])
  }
})
