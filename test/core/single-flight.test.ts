import { expect, test } from 'vitest'
import { Refreshable, RefreshError } from '../../src/index.ts'
import { responder } from '../support/responder.ts'
import { settled } from '../support/settled.ts'

test('[C1] all who need a refresh join the one that runs', async () => {
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

test('[C1] callers without a value share the first refresh', async () => {
  const source = responder<string>()
  const cell = new Refreshable({ refresh: source.refresh })
  const waiting = [cell.snapshot(), cell.snapshot(), cell.snapshot()]
  await settled()
  expect(source.calls.map(({ context }) => context.cause)).toEqual(['missing'])
  source.call(0).resolve('first')
  expect((await Promise.all(waiting)).map(({ generation }) => generation)).toEqual([1, 1, 1])
})

test('[C2] a late rejection of an older generation gets the one in force, and refreshes nothing', async () => {
  const source = responder<string>()
  const cell = new Refreshable({ initial: 'one', refresh: source.refresh })
  const one = await cell.snapshot()
  const first = cell.refresh(one)
  source.call(0).resolve('two')
  const two = await first

  for (let late = 0; late < 100; late++) expect(await cell.refresh(one)).toBe(two)
  expect(source.calls).toHaveLength(1)
})

test('[C4] an abort ends one wait at once, with its reason; the refresh goes on for the others', async () => {
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

test('[C4] a value is kept though every caller left', async () => {
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

test('[C4] a caller that has aborted before it asks causes nothing', async () => {
  const source = responder<string>()
  const cell = new Refreshable({ initial: 'old', refresh: source.refresh })
  const old = await cell.snapshot()
  const signal = AbortSignal.abort('gone')
  await expect(cell.snapshot({ signal })).rejects.toBe('gone')
  await expect(cell.refresh(old, { signal })).rejects.toBe('gone')
  expect(source.calls).toHaveLength(0)
})

test('[C4] a signal that outlives many waits keeps no listener of theirs, and has one while they wait', async () => {
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

test('[C11] set() outranks a refresh in flight: its result is not adopted, and those who wait get the set value', async () => {
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

test('[C11] clear() outranks a refresh in flight, is sticky, and numbers never restart', async () => {
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

test('[C11] a refresh that was superseded and fails leaves the login untouched', async () => {
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

test('[C14] a refresh that throws at once fails its callers at once', async () => {
  const cause = new Error('no such file')
  const cell = new Refreshable({
    refresh: (): Promise<string> => {
      throw cause
    },
  })
  await expect(cell.snapshot()).rejects.toMatchObject({ code: 'refresh_failed', cause })
})

test.each([undefined, null])('[C14] a refresh that returns %s fails with a clear error', async (nothing) => {
  const cell = new Refreshable<string>({ refresh: () => Promise.resolve(nothing as unknown as string) })
  await expect(cell.snapshot()).rejects.toMatchObject({ code: 'invalid_value', message: /returned nothing/ })
})

test('[C14] a refresh that synchronously needs its own cell fails at once', async () => {
  const cell: Refreshable<string> = new Refreshable({
    refresh: async () => (await cell.snapshot()).value,
  })
  await expect(cell.snapshot()).rejects.toMatchObject({ code: 'refresh_reentrant' })
})

test('[C14] so does one that needs it through a map, for a value that was rejected', async () => {
  const cell: Refreshable<string> = new Refreshable({
    initial: 'old',
    refresh: async () => (await mapped.snapshot()).value,
  })
  const mapped = cell.map((value) => value.toUpperCase())
  await expect(mapped.refresh(await mapped.snapshot())).rejects.toMatchObject({ code: 'refresh_reentrant' })
})

test('[C14] a refresh may read the value in force', async () => {
  const cell: Refreshable<string> = new Refreshable({
    initial: 'a',
    refresh: async ({ current }) => `${current?.value}${cell.peek()?.value}b`,
  })
  expect((await cell.refresh(await cell.snapshot())).value).toBe('aab')
})
