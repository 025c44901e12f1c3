import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { expect, onTestFinished, test, vi } from 'vitest'
import { logEvents, RefreshError, type RefreshEvent, refreshingFetch } from '../../src/index.ts'
import { testCredential } from '../../src/testing/index.ts'
import { bundle, fileOfSource, program } from '../support/bundle.ts'
import { temporaryFolder } from '../support/folder.ts'
import { ManualClock } from '../support/manual-clock.ts'

const error = new RefreshError('source_unreachable', 'The server cannot be reached.')
const finding = { code: 'a', level: 'warning', message: 'It is amiss.', fix: 'Mend it.' } as const

/** Each kind of event, and what it is in words. */
const SENTENCES: { readonly [T in RefreshEvent['type']]: [Extract<RefreshEvent, { type: T }>, string] } = {
  rejected: [
    { type: 'rejected', generation: 1, stale: false, origin: 'https://a.test' },
    'https://a.test rejected token 1.',
  ],
  refresh_started: [
    { type: 'refresh_started', generation: 1, cause: 'expiring' },
    'Token 1 is about to expire, or has expired: refreshing it.',
  ],
  refresh_succeeded: [
    {
      type: 'refresh_succeeded',
      generation: 2,
      cause: 'rejected',
      duration: 1_500,
      joined: 3,
      late: true,
      expiresAt: 0,
    },
    'Token 2 is in force after 1.5 s (3 callers waited), good until 1970-01-01T00:00:00.000Z. It came after the deadline.',
  ],
  refresh_failed: [
    { type: 'refresh_failed', generation: 2, cause: 'missing', duration: 150_000, joined: 1, error },
    'The refresh failed after 3 min (1 caller waited). The server cannot be reached. (source_unreachable)',
  ],
  refresh_discarded: [
    { type: 'refresh_discarded', generation: 2 },
    'A token came too late: a login, a logout or a newer token had taken its place.',
  ],
  set: [{ type: 'set', generation: 2 }, 'A login put token 2 in force.'],
  cleared: [{ type: 'cleared', generation: 2 }, 'A logout took the token away.'],
  loaded: [{ type: 'loaded', revision: 7 }, 'The store holds a token (revision 7): it is used.'],
  adopted: [
    { type: 'adopted', revision: 7 },
    'The store holds a newer token of another process (revision 7): it is used.',
  ],
  issued: [{ type: 'issued' }, 'The source issued a token.'],
  lock_waiting: [{ type: 'lock_waiting' }, 'Another process refreshes this account: waiting for its lock.'],
  lock_waited: [{ type: 'lock_waited', duration: 12 }, 'The wait for the lock is over after 12 ms.'],
  persisted: [{ type: 'persisted', revision: 7 }, 'The store holds the token now (revision 7).'],
  persist_failed: [
    { type: 'persist_failed', error },
    'The token is in use, but could not be stored; it is written again later. The server cannot be reached. (source_unreachable)',
  ],
  record_vanished: [
    { type: 'record_vanished', revision: 7 },
    'The store lost its record (revision 7): the token in use is written again.',
  ],
  scope_demanded: [
    { type: 'scope_demanded', generation: 2, scope: 'files:write', reason: undefined },
    'The server demands the scope files:write. The source is asked for it.',
  ],
  seed_ignored: [
    { type: 'seed_ignored' },
    'The configuration holds another refresh token, but the stored login works, so it waits.',
  ],
  challenge_refused: [
    { type: 'challenge_refused' },
    'The authorization server refuses what the API demands: the token is refreshed without it.',
  ],
  finding: [{ type: 'finding', finding }, 'It is amiss. Mend it.'],
  bypassed: [
    { type: 'bypassed', origin: 'https://b.test' },
    "https://b.test responded 401 and got no credential: add it to 'origins', or correct the client's base URL.",
  ],
  retried: [
    { type: 'retried', generation: 2, origin: 'https://a.test' },
    'The call is made again with token 2 at https://a.test.',
  ],
  not_retried: [
    { type: 'not_retried', generation: 2, error },
    'The caller gets the rejection of token 2. The server cannot be reached. (source_unreachable)',
  ],
}

test.each(Object.values(SENTENCES))(
  '[Z2] given an event of the type $type, when it is logged, then it is a sentence',
  (event, sentence) => {
    const lines: string[] = []
    logEvents({ write: (line) => lines.push(line) })(event)
    logEvents({ write: (line) => lines.push(line) })({ ...event, key: 'ann' })
    expect(lines).toEqual([`llm-refresh: ${sentence}`, `llm-refresh [ann]: ${sentence}`])
  },
)

test('[Z1] given a key with control characters, when it is logged, then it is one harmless line', () => {
  const lines: string[] = []
  const write = (line: string): unknown => lines.push(line)
  logEvents({ write })({ type: 'issued', key: 'a\nb\u001b[31m\u2028c' })
  logEvents({ write })({ type: 'issued', key: 'x'.repeat(5_000) })
  const unknown: object = { type: 'of_a_later_version' }
  logEvents({ write })(unknown as RefreshEvent)
  const late = { type: 'refresh_succeeded', generation: 1, cause: 'missing', duration: 1, joined: 0 } as const
  logEvents({ write })({ ...late, late: false, expiresAt: 1e300 })
  expect(lines[0]).toBe('llm-refresh [a b [31m c]: The source issued a token.')
  expect(lines[1]).toHaveLength(1_000)
  expect(lines.slice(2)).toEqual([
    'llm-refresh: of_a_later_version.',
    'llm-refresh: Token 1 is in force after 1 ms, good until 1e+300.',
  ])
})

test('[Z1, Z2] given logEvents() as it is, when a call is retried, then stderr has the events, without a token', async () => {
  const warn = vi.spyOn(console, 'warn').mockImplementation(() => undefined)
  onTestFinished(() => warn.mockRestore())
  const credential = testCredential({ key: 'ann', clock: new ManualClock(0), onEvent: logEvents() })
  const beneath = async (_input: unknown, init?: RequestInit): Promise<Response> => {
    const isGood = credential.accepts(new Headers(init?.headers).get('authorization'))
    return new Response('{}', { status: isGood ? 200 : 401 })
  }
  await credential.snapshot()
  warn.mockClear()
  credential.revoke()
  await refreshingFetch(credential, { origins: 'https://api.test', fetch: beneath })('https://api.test')
  expect(warn.mock.calls.flat()).toEqual([
    'llm-refresh [ann]: https://api.test rejected token 1.',
    'llm-refresh [ann]: Refreshing token 1.',
    'llm-refresh [ann]: The source issued a token.',
    'llm-refresh [ann]: The store holds the token now (revision 2).',
    'llm-refresh [ann]: Token 2 is in force after 0 ms (1 caller waited), good until 1970-01-01T01:00:00.000Z.',
    'llm-refresh [ann]: The call is made again with token 2 at https://api.test.',
  ])
})

test('[Z2] given a program without a listener, when it starts with the import of debug, then stderr has the events', async () => {
  const folder = await temporaryFolder()
  const debug = await bundle(fileOfSource('observe/debug.ts'), join(folder, 'debug.mjs'))
  const main = await program(`
    import { testCredential } from '${fileOfSource('testing/index.ts')}'
    console.log(await testCredential().accessToken())`)
  const flags = ['--import', debug, main]
  const { stdout, stderr } = await promisify(execFile)(process.execPath, flags, { timeout: 120_000 })
  expect(stdout).toBe('test-token-1\n')
  expect(stderr).toContain('llm-refresh: There is no token yet: fetching one.\n')
  expect(stderr).toContain('llm-refresh: Token 1 is in force after ')
  expect(stderr).not.toContain('test-token')
})

test('[Z2] given a source that throws an error of its own, when debug is imported, then stderr shows the error, without its secrets', async () => {
  const folder = await temporaryFolder()
  const debug = await bundle(fileOfSource('observe/debug.ts'), join(folder, 'debug.mjs'))
  const main = await program(`
    import { createCredential } from '${fileOfSource('index.ts')}'
    const issue = async () => {
      throw new TypeError('the token service said 500 for key=canary-4711 and canary0815canary0815')
    }
    await createCredential({ source: { issue } }).accessToken().catch(() => console.log('failed'))`)
  const flags = ['--import', debug, main]
  const { stdout, stderr } = await promisify(execFile)(process.execPath, flags, { timeout: 120_000 })
  expect(stdout).toBe('failed\n')
  expect(stderr).toContain('threw an error of its own (TypeError)')
  expect(stderr).toContain(
    'llm-refresh: The function threw TypeError: the token service said 500 for … and …',
  )
  expect(stderr).not.toContain('canary')
})
