import { execFile } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'
import { startLlmServer } from '../../support/llm-server.ts'

const EXAMPLE = fileURLToPath(new URL('../../../examples/ai-sdk.ts', import.meta.url))

test('the example survives a token that expires: the answer comes with the second request', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'example-'))
  const file = join(folder, 'token')
  await writeFile(file, 'stale')
  const llm = await startLlmServer({
    answer: 'Because of the air.',
    accepts: (credential) => {
      // What renews the token does so while the stale one is turned away.
      writeFileSync(file, 'fresh\n')
      return credential === 'fresh'
    },
  })
  try {
    const env = { ...process.env, TOKEN_FILE: file, OPENAI_BASE_URL: llm.baseUrl.openai }
    const { stdout } = await promisify(execFile)(process.execPath, ['--import', 'tsx', EXAMPLE, 'Why?'], {
      env,
    })
    expect(stdout).toBe('Because of the air.')
    expect(llm.requests()).toBe(2)
    expect(llm.rejections()).toBe(1)
  } finally {
    await llm.close()
    await rm(folder, { recursive: true })
  }
})
