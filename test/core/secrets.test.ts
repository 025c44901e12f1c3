import { spawnSync } from 'node:child_process'
import { inspect } from 'node:util'
import { expect, test } from 'vitest'
import { Refreshable, RefreshError, type RefreshEvent } from '../../src/index.ts'
import { BaseProvider, RefreshingProvider } from '../../src/surfaces/provider/index.ts'
import { fileOfSource, program } from '../support/bundle.ts'
import { settled } from '../support/settled.ts'

const CANARY = 'canary-7f3a91'

/** Every way in which people print things. */
function printed(thing: unknown): string {
  return [
    inspect(thing, { depth: 10, showHidden: true }),
    JSON.stringify(thing) ?? '',
    String(thing),
    thing instanceof Error ? String(thing.stack) : '',
  ].join('\n')
}

class CanaryProvider extends BaseProvider {
  readonly provider = 'test'
  readonly model = 'test-1'
  readonly #token: string
  constructor(token: string) {
    super()
    this.#token = token
  }
  async chat() {
    return { type: 'invalid_request' as const, message: this.#token === '' ? 'never' : '401 Unauthorized' }
  }
}

test('[Z1] given cells, maps and providers, when they are printed, then no value is shown', async () => {
  const cell = new Refreshable({ initial: CANARY, refresh: async () => `${CANARY} again` })
  const mapped = cell.map((token) => new CanaryProvider(token))
  const provider = await RefreshingProvider.from(mapped)
  await provider.chat({ system: '', messages: [] })
  for (const thing of [cell, mapped, provider]) expect(printed(thing)).not.toContain(CANARY)
})

test('[Z1] given a secret value, then no event, and no error that we create, contains it', async () => {
  const events: RefreshEvent[] = []
  const onEvent = (event: RefreshEvent): unknown => events.push(event)
  const failures: unknown[] = []
  const cell: Refreshable<string> = new Refreshable<string>({
    initial: CANARY,
    onEvent,
    refresh: ({ current }) => Promise.reject(new Error(`cannot redeem ${current?.value}`)),
  })
  const provider = await RefreshingProvider.from(
    cell.map((token) => new CanaryProvider(token)),
    { onEvent },
  )
  await provider.chat({ system: '', messages: [] })
  failures.push(await cell.refresh(await cell.snapshot()).catch((error: unknown) => error))
  cell.set(`${CANARY} again`)
  cell.clear()
  failures.push(await cell.snapshot().catch((error: unknown) => error))
  await settled()

  expect(events.map(({ type }) => type)).toEqual([
    'rejected',
    'refresh_started',
    'refresh_failed',
    'not_retried',
    'rejected',
    'set',
    'cleared',
  ])
  for (const thing of [...events, ...failures]) expect(printed(thing)).not.toContain(CANARY)
})

test('[Z1] given an error with a cause, then `error.cause` has it, and no printer shows it', () => {
  const cause = new TypeError(`bad token ${CANARY}`)
  const error = new RefreshError('refresh_failed', 'The refresh failed.', { cause })
  expect(error.cause).toBe(cause)
  expect(printed(error)).not.toContain(CANARY)
  expect(inspect(error)).toMatch(/secrets\.test\.ts[^]*code: 'refresh_failed'/)
})

test('[Z1] given an invalid input, then the error’s message does not quote it', () => {
  const wrong = { refresh: CANARY as unknown as () => Promise<string> }
  expect(() => new Refreshable(wrong)).toThrow(/'refresh' must be a function, not string/)
})

test('[Z3] given no listener, then no event is built', async () => {
  // The generation is read for an event's sake only where somebody listens.
  let reads = 0
  const rejected = {
    get generation() {
      reads++
      return 1
    },
  }
  const quiet = new Refreshable({ initial: 'a', refresh: async () => 'b' })
  quiet.set('c')
  await quiet.refresh(rejected)
  const unobserved = reads
  const observed = new Refreshable({ initial: 'a', refresh: async () => 'b', onEvent: () => undefined })
  observed.set('c')
  reads = 0
  await observed.refresh(rejected)
  expect(reads).toBe(unobserved + 1)
})

test('[Z3] given a listener that throws or rejects, then the call succeeds', async () => {
  for (const onEvent of [
    () => {
      throw new Error('observer')
    },
    () => Promise.reject(new Error('observer')),
  ]) {
    const cell = new Refreshable({ initial: 'a', refresh: async () => 'b', onEvent })
    expect((await cell.refresh(await cell.snapshot())).value).toBe('b')
  }
  await settled()
})

test('[Z1] given two copies of the package, then instanceof holds for an error of the other copy', () => {
  const twin = Object.assign(new Error('twin'), {
    code: 'refresh_failed',
    [Symbol.for('llm-refresh.RefreshError')]: true,
  })
  expect(twin instanceof RefreshError).toBe(true)
  expect(new Error('other') instanceof RefreshError).toBe(false)
})

test.each([
  ['thrown', 'throw error'],
  ['rejected', 'Promise.reject(error)'],
  ['the cause of another', "throw new Error('outer', { cause: error })"],
])('[Z1] given an uncaught error, %s, then Node does not print its cause', async (_, fatal) => {
  const script = await program(`
    import { RefreshError } from '${fileOfSource('index.ts')}'
    const error = new RefreshError('refresh_failed', 'The refresh failed.', { cause: new Error('${CANARY}') })
    ${fatal}`)
  const { stderr, status } = spawnSync(process.execPath, [script], { encoding: 'utf8', timeout: 120_000 })
  expect(status).not.toBe(0)
  expect(stderr).toContain('The refresh failed.')
  expect(stderr.replaceAll(/^.*cause: new Error.*$/gm, '')).not.toContain(CANARY)
})

test('given a subclass of RefreshError, then instanceof distinguishes its errors from others', () => {
  class Mine extends RefreshError {}
  expect(new Mine('refresh_failed', 'mine') instanceof Mine).toBe(true)
  expect(new Mine('refresh_failed', 'mine') instanceof RefreshError).toBe(true)
  expect(new RefreshError('refresh_failed', 'not mine') instanceof Mine).toBe(false)
})
