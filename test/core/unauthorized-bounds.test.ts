import { expect, test } from 'vitest'
import { verdict } from '../../src/core/verdict/unauthorized.ts'
import { isUnauthorizedError } from '../../src/index.ts'

/** No verdict reads more properties than this, whatever it is given. */
const MOST_READS = 64 * 96
/** Bytes of one text that no verdict looks beyond. */
const BEYOND = 1 << 20

/** An object whose every property is answered by the function, and counted. */
function counted(answer: (key: PropertyKey, self: object) => unknown): {
  object: object
  reads: () => number
} {
  let reads = 0
  const trap = <T>(value: T): T => {
    reads++
    return value
  }
  const object: object = new Proxy(
    {},
    {
      get: (_, key) => trap(answer(key, object)),
      has: () => trap(false),
      getPrototypeOf: () => trap(null),
      ownKeys: () => trap([]),
    },
  )
  return { object, reads: () => reads }
}

test('[U5] given a chain or a tree of errors without an end, then only a bounded part is read', () => {
  const shapes: [string, (self: () => object) => (key: PropertyKey) => unknown][] = [
    ['causes', (next) => (key) => (key === 'cause' ? next() : undefined)],
    ['everything', (next) => () => next()],
    ['a tree', (next) => (key) => (key === 'errors' ? Array.from({ length: 1_000 }, next) : undefined)],
    ['the same again', () => (key) => (key === 'cause' ? 'text' : { message: 'text' })],
  ]
  for (const [name, shape] of shapes) {
    let reads = 0
    const next = (): object => {
      const { object } = counted((key) => {
        reads++
        return shape(next)(key)
      })
      return object
    }
    expect([name, verdict(next()).rejected]).toEqual([name, false])
    expect(reads).toBeLessThan(MOST_READS)
    expect(reads).toBeGreaterThan(0)
  }
})

test('[U5] given a chain of a million causes, then only a bounded part is read', () => {
  let error: object = { status: 401 }
  for (let depth = 0; depth < 1_000_000; depth++) error = { cause: error }
  expect(isUnauthorizedError(error)).toBe(false)
  expect(isUnauthorizedError({ cause: { cause: { cause: { cause: { status: 401 } } } } })).toBe(true)
})

test('[U5] given an array of any length, then only a bounded part is read', () => {
  let reads = 0
  const array = new Proxy([] as unknown[], {
    get: (_, key) => {
      reads++
      return key === 'length' ? 2 ** 32 - 1 : { message: `${String(key)} is fine` }
    },
  })
  expect(verdict({ errors: array }).rejected).toBe(false)
  expect(reads).toBeLessThan(64)
  expect(
    isUnauthorizedError({ errors: [...Array.from({ length: 100_000 }, () => ({})), { status: 401 }] }),
  ).toBe(false)
})

test('[U5] given a long text in any place, then only a bounded prefix is read', () => {
  const padding = 'x'.repeat(BEYOND)
  const early = `HTTP 401 ${padding}`
  const late = `${padding} HTTP 401 unauthorized`
  const carriers = (text: string): unknown[] => [
    text,
    new Error(text),
    { error: { message: text } },
    { responseBody: text },
    { code: 3, details: text, metadata: {}, cause: { data: text } },
  ]
  expect(carriers(early).slice(0, 4).map(isUnauthorizedError)).toEqual([true, true, true, true])
  expect(carriers(late).map(isUnauthorizedError)).toEqual([false, false, false, false, false])
  const fifty = 'y'.repeat(50 << 20)
  expect(carriers(`${fifty} unauthorized`).map(isUnauthorizedError)).toEqual([
    false,
    false,
    false,
    false,
    false,
  ])
})

test('[U5] given a long code, header or challenge, then only a bounded prefix is read', () => {
  const padding = 'x'.repeat(BEYOND)
  const challenge = `Bearer realm="${padding}", error="invalid_token"`
  expect(isUnauthorizedError({ code: `${padding} token_expired` })).toBe(false)
  expect(
    isUnauthorizedError({ status: 403, headers: { 'x-amzn-errortype': `${padding} ExpiredToken` } }),
  ).toBe(false)
  expect(isUnauthorizedError({ status: 403, challenge })).toBe(false)
  expect(isUnauthorizedError({ status: 403, headers: new Headers({ 'www-authenticate': challenge }) })).toBe(
    false,
  )
})

test('[U5] given JSON of any size and depth, then the verdict comes without an error', () => {
  const deep = `${'[{"cause":'.repeat(6_000)}1`
  const nested = `${'['.repeat(30_000)}${']'.repeat(30_000)}`
  const large = JSON.stringify({ filler: 'x'.repeat(BEYOND), error: { code: 401 } })
  expect([deep, nested, large, '{', '[', '{"status":', '[1e999]'].map(isUnauthorizedError)).toEqual(
    Array.from({ length: 7 }, () => false),
  )
  // Texts in texts in texts: each is parsed, to a bound.
  let quoted = JSON.stringify({ error: { code: 401 } })
  for (let layer = 0; layer < 3; layer++) quoted = JSON.stringify({ message: quoted })
  expect(isUnauthorizedError(quoted)).toBe(true)
})

test('[U5] given many small texts, then only a bounded number is read', () => {
  let reads = 0
  const { object } = counted((key) => {
    reads++
    return key === 'message' || key === 'body' ? 'no '.repeat(10_000) : undefined
  })
  const errors = Array.from({ length: 1_000 }, () => ({ cause: object, message: 'no' }))
  expect(isUnauthorizedError({ errors })).toBe(false)
  expect(reads).toBeLessThan(MOST_READS)
})

/** What a careless expression would read again and again: the test would not end. */
const HOSTILE = [
  '.',
  '\n',
  ' ',
  'the ',
  "' ",
  '"',
  'a.',
  '{',
  '[',
  'api',
  'api_',
  'token ',
  'tokentoken',
  'status ',
  'HTTP status error code ',
  '401 ',
  ' 401',
  'got ',
  'invalid ',
  'invalid or ',
  'missing scope_',
  'your access token, ',
  'authentication ',
  'unauthorized-',
  'x says ',
  'A_A_',
  'https://a.b#c/',
]
test.each(HOSTILE)('[U5] given five megabytes of %j in any place, then the verdict comes soon', (piece) => {
  const text = piece.repeat((5 << 20) / piece.length)
  const [short, other] = [text.slice(0, 16_000), text.slice(1)]
  for (const error of [
    text,
    { message: text, type: text, code: text.slice(0, 99) },
    { status: 403, body: text },
    { status: 403, body: JSON.stringify({ error: { code: short, message: short } }) },
    { errors: Array.from({ length: 16 }, () => ({ message: text, cause: { message: other } })) },
  ]) {
    expect(typeof verdict(error).rejected).toBe('boolean')
  }
})
