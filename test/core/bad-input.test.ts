import { expect, test } from 'vitest'
import { Refreshable, RefreshError } from '../../src/index.ts'
import { responder } from '../support/responder.ts'

/** As untyped code would call it. */
function construct(options: unknown): unknown {
  return Reflect.construct(Refreshable, [options])
}

const refresh = async (): Promise<string> => 'x'

test.each([
  [undefined, /'options' must be an object/],
  ['token', /'options' must be an object/],
  [{}, /'refresh' is missing/],
  [{ refresh: 'now' }, /'refresh' must be a function, not string/],
  [{ refresh, deadLine: 5 }, /'deadLine' does not exist; there are refresh, initial/],
  [{ refresh, deadline: 0 }, /'deadline' must be ms from 1, not 0/],
  [{ refresh, deadline: Number.NaN }, /'deadline' .* not NaN/],
  [{ refresh, deadline: Infinity }, /'deadline' .* not Infinity/],
  [{ refresh, cooldown: -1 }, /'cooldown' .* from 0, not -1/],
  [{ refresh, refreshAhead: '5m' }, /'refreshAhead' .* not string/],
  [{ refresh, onEvent: console }, /'onEvent' must be a function, not object/],
])('given the options %j, when a cell is constructed, then the constructor throws', (options, message) => {
  expect(() => construct(options)).toThrow(message)
  expect(() => construct(options)).toThrow(expect.objectContaining({ code: 'invalid_option' }))
})

test.each([undefined, null])('given set(%s), then it throws, and the value in force stays', (nothing) => {
  const source = responder<string>()
  const cell = new Refreshable({ initial: 'a', refresh: source.refresh })
  expect(() => Reflect.apply(cell.set, cell, [nothing])).toThrow(
    expect.objectContaining({ code: 'invalid_value' }),
  )
  expect(cell.peek()?.value).toBe('a')
})

test('given no function, when map() is called, then it throws', () => {
  const cell = new Refreshable({ initial: 'a', refresh })
  expect(() => Reflect.apply(cell.map, cell, ['token'])).toThrow(RefreshError)
})

test('given a falsy value other than undefined and null, then it is a value', async () => {
  for (const initial of [0, '', false]) {
    const cell = new Refreshable<unknown>({ initial, refresh })
    expect((await cell.snapshot()).value).toBe(initial)
  }
})
