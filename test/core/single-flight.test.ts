import { expect, test } from 'vitest'
import { Refreshable, RefreshError } from '../../src/index.ts'
import { responder } from '../support/responder.ts'
import { settled } from '../support/settled.ts'

test('[C1] given a refresh that runs, when further callers need one, then they join it', async () => {
  const source = responder<string>()
  const cell = new Refreshable({ initial: 'old', refresh: source.refresh })
  const old = await cell.snapshot()
  const rejected = Array.from({ length: 50 }, () => cell.refresh(old))
  const arriving = Array.from({ length: 50 }, () => cell.snapshot())
  await settled()
  expect(source.calls).toHaveLength(1)

  source.call(0).resolve('new')
  const values = await Promise.all([...rejected, ...arriving])
  expect(new Set(values.map(({ value, generation }) => `${value} ${generation}`))).toEqual(new Set(['new 2']))
  expect(source.calls).toHaveLength(1)
})

test('[C1] given a cell without a value, when callers come, then they share the first refresh', async () => {
  const source = responder<string>()
  const cell = new Refreshable({ refresh: source.refresh })
  const waiting = [cell.snapshot(), cell.snapshot(), cell.snapshot()]
  await settled()
  expect(source.calls.map(({ context }) => context.cause)).toEqual(['missing'])
  source.call(0).resolve('first')
  expect((await Promise.all(waiting)).map(({ generation }) => generation)).toEqual([1, 1, 1])
})

test('[C2] given generation 2 in force, when generation 1 is reported as rejected, then the caller gets generation 2, and no refresh runs', async () => {
  const source = responder<string>()
  const cell = new Refreshable({ initial: 'one', refresh: source.refresh })
  const one = await cell.snapshot()
  const first = cell.refresh(one)
  source.call(0).resolve('two')
  const two = await first

  for (let late = 0; late < 100; late++) expect(await cell.refresh(one)).toBe(two)
  expect(source.calls).toHaveLength(1)
})

test('[C4] given callers that wait, when one aborts, then its wait ends at once with its reason, and the refresh goes on for the others', async () => {
  const source = responder<string>()
  const cell = new Refreshable({ initial: 'old', refresh: source.refresh })
  const old = await cell.snapshot()
  const leaving = new AbortController()
  const reason = new Error('I am leaving')
  const left = cell.refresh(old, { signal: leaving.signal })
  const stays = cell.refresh(old)

  leaving.abort(reason)
  await expect(left).rejects.toBe(reason)
  expect(source.call(0).context.signal.aborted).toBe(false)
  source.call(0).resolve('new')
  expect((await stays).value).toBe('new')
})

test('[C4] given a refresh that every caller has left, when its value arrives, then the cell keeps it', async () => {
  const source = responder<string>()
  const cell = new Refreshable({ refresh: source.refresh })
  const leaving = new AbortController()
  const left = cell.snapshot({ signal: leaving.signal })
  leaving.abort()
  await expect(left).rejects.toMatchObject({ name: 'AbortError' })

  source.call(0).resolve('rotated')
  await settled()
  expect(cell.peek()?.value).toBe('rotated')
  expect((await cell.snapshot()).value).toBe('rotated')
  expect(source.calls).toHaveLength(1)
})

test('[C4] given a caller whose signal has aborted, when it asks, then no refresh begins', async () => {
  const source = responder<string>()
  const cell = new Refreshable({ initial: 'old', refresh: source.refresh })
  const old = await cell.snapshot()
  const signal = AbortSignal.abort('gone')
  await expect(cell.snapshot({ signal })).rejects.toBe('gone')
  await expect(cell.refresh(old, { signal })).rejects.toBe('gone')
  expect(source.calls).toHaveLength(0)
})

test('[C4] given a signal that lives longer than many waits, then it has one listener while callers wait, and none afterwards', async () => {
  let listeners = 0
  const signal = new AbortController().signal
  const { addEventListener, removeEventListener } = signal
  signal.addEventListener = (...args: Parameters<typeof addEventListener>) => {
    listeners++
    addEventListener.apply(signal, args)
  }
  signal.removeEventListener = (...args: Parameters<typeof removeEventListener>) => {
    listeners--
    removeEventListener.apply(signal, args)
  }
  const source = responder<string>()
  const cell = new Refreshable({ initial: 'old', refresh: source.refresh })
  const old = await cell.snapshot()
  const waiting = Array.from({ length: 20 }, () => cell.refresh(old, { signal }))
  expect(listeners).toBe(1)
  source.call(0).resolve('new')
  await Promise.all(waiting)
  expect(listeners).toBe(0)
})

test('[C11] given a refresh that runs, when set() is called, then waiting callers get the set value, and the refresh’s value is discarded', async () => {
  const source = responder<string>()
  const cell = new Refreshable({ initial: 'old', refresh: source.refresh })
  const waiting = cell.refresh(await cell.snapshot())
  const set = cell.set('login')
  expect(await waiting).toBe(set)
  expect(source.call(0).context.signal.aborted).toBe(true)

  source.call(0).resolve('too late')
  await settled()
  expect(cell.peek()).toBe(set)
})

test('[C11] given a refresh that runs, when clear() is called, then its value is discarded, the logout holds, and generations go on counting', async () => {
  const source = responder<string>()
  const cell = new Refreshable({ initial: 'old', refresh: source.refresh })
  const built = cell.map((value) => ({ value }))
  const old = await cell.snapshot()
  await built.snapshot()
  const waiting = cell.refresh(old)
  cell.clear()
  await expect(waiting).rejects.toMatchObject({ code: 'credential_missing' })
  source.call(0).resolve('resurrected')
  await settled()

  expect([cell.peek(), built.peek()]).toEqual([undefined, undefined])
  await expect(cell.snapshot()).rejects.toMatchObject({ code: 'credential_missing' })
  await expect(cell.refresh(old)).rejects.toMatchObject({ code: 'credential_missing' })
  await expect(built.snapshot()).rejects.toMatchObject({ code: 'credential_missing' })
  expect(source.calls).toHaveLength(1)

  expect(cell.set('login').generation).toBe(2)
  expect((await built.snapshot()).value).toEqual({ value: 'login' })
})

test('[C11] given a refresh that set() superseded, when it fails, then the login stays in force', async () => {
  const source = responder<string>()
  const cell = new Refreshable({ initial: 'old', refresh: source.refresh })
  void cell.refresh(await cell.snapshot())
  const login = cell.set('login')
  source.call(0).reject(new RefreshError('reauthentication_required', 'revoked'))
  await settled()
  expect(await cell.snapshot()).toBe(login)
  const next = cell.refresh(login)
  source.call(1).resolve('fresh')
  expect((await next).value).toBe('fresh')
})

test('[C14] given a refresh function that throws at once, then its callers fail at once', async () => {
  const cause = new Error('no such file')
  const cell = new Refreshable({
    refresh: (): Promise<string> => {
      throw cause
    },
  })
  await expect(cell.snapshot()).rejects.toMatchObject({ code: 'refresh_failed', cause })
})

test.each([undefined, null])(
  '[C14] given a refresh function that returns %s, then its callers get a clear error',
  async (nothing) => {
    const cell = new Refreshable<string>({ refresh: () => Promise.resolve(nothing as unknown as string) })
    await expect(cell.snapshot()).rejects.toMatchObject({
      code: 'invalid_value',
      message: /returned nothing/,
    })
  },
)

test('[C14] given a refresh function that calls its own cell at once, then it fails at once', async () => {
  const cell: Refreshable<string> = new Refreshable({
    refresh: async () => (await cell.snapshot()).value,
  })
  await expect(cell.snapshot()).rejects.toMatchObject({ code: 'refresh_reentrant' })
})

test('[C14] given a refresh function that calls its own cell through a map after a rejection, then it fails at once', async () => {
  const cell: Refreshable<string> = new Refreshable({
    initial: 'old',
    refresh: async () => (await mapped.snapshot()).value,
  })
  const mapped = cell.map((value) => value.toUpperCase())
  await expect(mapped.refresh(await mapped.snapshot())).rejects.toMatchObject({ code: 'refresh_reentrant' })
})

test('[C14] given a refresh function that reads the value in force, then it gets it', async () => {
  const cell: Refreshable<string> = new Refreshable({
    initial: 'a',
    refresh: async ({ current }) => `${current?.value}${cell.peek()?.value}b`,
  })
  expect((await cell.refresh(await cell.snapshot())).value).toBe('aab')
})
