import { expect, test } from 'vitest'
import { Refreshable } from '../../src/index.ts'
import { collectGarbage } from '../support/garbage.ts'
import { ManualClock } from '../support/manual-clock.ts'
import { responder } from '../support/responder.ts'
import { settled } from '../support/settled.ts'

function counted(initial = 'one') {
  const source = responder<string>()
  const cell = new Refreshable({ initial, refresh: source.refresh, clock: new ManualClock() })
  const builds: string[] = []
  const built = cell.map((value) => {
    builds.push(value)
    return { client: value }
  })
  return { source, cell, builds, built }
}

test('[C12] given a map, when any number of callers want its value, then it builds once per generation', async () => {
  const { source, cell, builds, built } = counted()
  const first = await Promise.all([built.snapshot(), built.snapshot(), built.snapshot()])
  expect(new Set(first).size).toBe(1)
  expect(builds).toEqual(['one'])

  const fresh = Promise.all([
    built.refresh({ generation: 1 }),
    cell.refresh({ generation: 1 }),
    built.snapshot(),
  ])
  source.call(0).resolve('two')
  expect((await fresh).map(({ generation }) => generation)).toEqual([2, 2, 2])
  expect(await built.refresh({ generation: 1 })).toBe(built.peek())
  expect(builds).toEqual(['one', 'two'])
  expect(source.calls).toHaveLength(1)
})

test('[C3, C15] given callers that are rejected together, when they wait, then callers of one turn share a promise, and callers of different turns do not', async () => {
  const { source, built } = counted()
  await built.snapshot()
  const rejected = { generation: 1 }
  const first = built.refresh(rejected)
  expect(built.refresh(rejected)).toBe(first)
  const { signal } = new AbortController()
  const own = built.refresh(rejected, { signal })
  const handed = built.refresh(rejected, { background: () => undefined })
  await settled()
  const later = built.refresh(rejected)
  expect(new Set([first, own, handed, later]).size).toBe(4)
  source.call(0).resolve('two')
  const fresh = await Promise.all([first, own, handed, later])
  expect(new Set(fresh)).toEqual(new Set([built.peek()]))
  expect(built.refresh(rejected)).not.toBe(first)
})

test('[C12] given a build that fails, then its callers get the error, the cell has no failure, and the next caller builds again', async () => {
  let fails = true
  const problem = new Error('bad base URL')
  const cell = new Refreshable({ initial: 'one', refresh: () => Promise.reject(new Error('unused')) })
  const built = cell.map((value) => {
    if (fails) throw problem
    return { client: value }
  })
  await expect(built.snapshot()).rejects.toBe(problem)
  expect((await cell.snapshot()).value).toBe('one')
  expect(built.peek()).toBeUndefined()
  fails = false
  expect((await built.snapshot()).value).toEqual({ client: 'one' })
})

test('[C12] given a build that returns nothing, then its callers get a clear error', async () => {
  const cell = new Refreshable({ initial: 'one', refresh: () => Promise.reject(new Error('unused')) })
  await expect(cell.map(() => undefined).snapshot()).rejects.toMatchObject({
    code: 'invalid_value',
    message: /map\(\) built nothing/,
  })
})

test('[C12, C14] given a build that hangs, when its deadline has passed, then its callers fail', async () => {
  const clock = new ManualClock()
  const cell = new Refreshable({
    initial: 'one',
    deadline: 1_000,
    clock,
    refresh: () => Promise.reject(new Error('unused')),
  })
  const built = cell.map(() => new Promise<string>(() => undefined))
  const waiting = built.snapshot().catch((error: unknown) => error)
  await settled()
  await clock.advance(1_000)
  expect(await waiting).toMatchObject({ code: 'refresh_timeout' })
  expect(clock.armed).toBe(0)
})

test('[C12] given a map of a map, then each builds once', async () => {
  const { builds, built } = counted()
  const outer = built.map(({ client }) => `outer ${client}`)
  expect((await outer.snapshot()).value).toBe('outer one')
  expect((await outer.snapshot()).generation).toBe(1)
  expect(builds).toEqual(['one'])
})

test('[C4, C12] given a caller that waits for a build, when its signal aborts, then its wait ends, and the build goes on for the others', async () => {
  const cell = new Refreshable({ initial: 'one', refresh: () => Promise.reject(new Error('unused')) })
  const finish: ((value: string) => void)[] = []
  const built = cell.map(() => new Promise<string>((resolve) => finish.push(resolve)))
  const leaving = new AbortController()
  const left = built.snapshot({ signal: leaving.signal })
  const stays = built.snapshot()
  await settled()
  leaving.abort('left')
  await expect(left).rejects.toBe('left')
  expect(finish).toHaveLength(1)
  finish[0]?.('built')
  expect((await stays).value).toBe('built')
})

test('[C11] given a build that runs, when a logout comes, then its callers get credential_missing', async () => {
  const cell = new Refreshable({ initial: 'one', refresh: () => Promise.reject(new Error('unused')) })
  let finish: (value: string) => void = () => undefined
  const built = cell.map(() => new Promise<string>((resolve) => (finish = resolve)))
  const waiting = built.snapshot()
  await settled()
  cell.clear()
  finish('built for an account that was left')
  await expect(waiting).rejects.toMatchObject({ code: 'credential_missing' })
})

test('[C11, C12] given a value that was dropped, then what a map built from it is dropped too', async () => {
  const { cell, built } = counted()
  const old = new WeakRef((await built.snapshot()).value)
  cell.set('two')
  const replaced = new WeakRef((await built.snapshot()).value)
  cell.clear()
  await settled()
  collectGarbage()
  expect([old.deref(), replaced.deref()]).toEqual([undefined, undefined])
})

test('[C11, C12] given a build that runs, when a login comes, then its callers get what is built from the new value', async () => {
  for (const logout of [true, false]) {
    const cell = new Refreshable({ initial: 'alice', refresh: () => Promise.reject(new Error('unused')) })
    let finish: () => void = () => undefined
    const gate = new Promise<void>((resolve) => (finish = resolve))
    const client = cell.map(async (name) => {
      if (name === 'alice') await gate
      return `client of ${name}`
    })
    const waiting = client.snapshot()
    await settled()
    if (logout) cell.clear()
    cell.set('bob')
    finish()
    expect(await waiting).toMatchObject({ value: 'client of bob', generation: 2 })
  }
})

test('[C12] given a map of a map whose build runs, when a refresh comes, then its callers get the value that they waited for', async () => {
  const source = responder<string>()
  const cell = new Refreshable({ initial: 'a', refresh: source.refresh })
  let finish: () => void = () => undefined
  const gate = new Promise<void>((resolve) => (finish = resolve))
  const outer = cell
    .map(async (value) => `${value}1`)
    .map(async (value) => {
      await gate
      return `${value}2`
    })
  const waiting = outer.snapshot()
  await settled()
  const fresh = cell.refresh({ generation: 1 })
  source.call(0).resolve('b')
  await fresh
  finish()
  expect((await waiting).value).toBe('a12')
  expect((await outer.snapshot()).value).toBe('b12')
})
