import { execFile } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { expect, onTestFinished, test } from 'vitest'
import { startSingleUse } from '../../test/cli/single-use.ts'

const SAID = 'Hello through `run`.'
const CALLS = ['chat', 'chat stream', 'responses', 'upload', 'message', 'message stream', 'generate']
const command = fileURLToPath(new URL('../../cli/dist/llm-refresh.cjs', import.meta.url))

test('[X6] [X7] [L1] given the SDKs of OpenAI, Anthropic and Google with nothing but the variables of `run`, when each call meets an expired token and then the login ends, then all are served by one refresh each, and after that each raises its authentication error with the command to run', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'llm-refresh-test-'))
  onTestFinished(() => rm(folder, { recursive: true, force: true }))
  const { servers, llm, config, grant, close } = await startSingleUse(folder, SAID)
  onTestFinished(close)
  await grant(CALLS.length)
  const { stdout, stderr } = await promisify(execFile)(
    process.execPath,
    [command, 'run', '--', process.execPath, '--import', 'tsx', join(import.meta.dirname, 'run-member.ts')],
    {
      env: { PATH: process.env['PATH'], HOME: folder, LLM_REFRESH_CONFIG: config },
      cwd: join(import.meta.dirname, '..'),
    },
  )
  const told = stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as object)
  const dead = (call: string, error: string): object => ({
    when: 'dead',
    call,
    error,
    message: expect.stringContaining('Run: llm-refresh login me'),
  })
  expect(told).toEqual([
    ...CALLS.map((call) => ({ when: 'served', call, said: call === 'upload' ? 100_000 : SAID })),
    dead('chat', 'AuthenticationError'),
    dead('message', 'AuthenticationError'),
    dead('generate', 'ApiError'),
  ])
  // One more of each: the first call after the end of the login.
  expect([llm.rejections(), servers.counts.tokenRequests]).toEqual([CALLS.length + 1, CALLS.length + 1])
  expect(stderr).not.toMatch(/llm-refresh/)
}, 60_000)
