import fc from 'fast-check'
import { expect, test } from 'vitest'
import { verdict } from '../../src/core/verdict/unauthorized.ts'
import { isUnauthorizedError } from '../../src/index.ts'

const revoked = (): object => {
  const { proxy, revoke } = Proxy.revocable({}, {})
  revoke()
  return proxy
}

const throwing = (): object =>
  new Proxy(
    {},
    {
      get: () => {
        throw new Error('get')
      },
      has: () => {
        throw new Error('has')
      },
      getPrototypeOf: () => {
        throw new Error('getPrototypeOf')
      },
    },
  )

/** The value with its proxies in place: the generator itself could not handle them. */
function planted(value: unknown): unknown {
  if (value === 'a revoked proxy') return revoked()
  if (value === 'a throwing proxy') return throwing()
  if (Array.isArray(value)) return value.map(planted)
  if (typeof value !== 'object' || value === null || value instanceof Headers) return value
  return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, planted(each)]))
}

test('[U5] given any value, then there is a verdict, and it is the same the second time', () => {
  const anything = fc.anything({
    withBigInt: true,
    withBoxedValues: true,
    withDate: true,
    withMap: true,
    withNullPrototype: true,
    withObjectString: true,
    withSet: true,
    withSparseArray: true,
    withTypedArray: true,
  })
  fc.assert(
    fc.property(anything, (value) => {
      const first = verdict(value)
      expect(typeof first.rejected).toBe('boolean')
      expect(verdict(value)).toEqual(first)
    }),
    { numRuns: 1_000 },
  )
})

test('[U5] given anything in the members that the verdict reads, at any depth, then nothing throws', () => {
  const keys =
    'status statusCode status_code code error_code type name message error data body response responseBody details errors headers responseHeaders challenge cause lastError $metadata httpStatusCode metadata get reason __type'.split(
      ' ',
    )
  const { error } = fc.letrec<{ error: unknown; leaf: unknown }>((tie) => ({
    leaf: fc.oneof(
      fc.constantFrom(
        401,
        403,
        16,
        '401',
        'unauthorized',
        'token has been revoked',
        '{"error":{"code":401}}',
        '[[',
      ),
      fc.constantFrom(() => 'unauthorized', new Headers({ 'www-authenticate': 'Bearer' }), null, undefined),
      fc.constantFrom('a revoked proxy', 'a throwing proxy'),
      fc.anything(),
    ),
    error: fc.oneof(
      { maxDepth: 5 },
      tie('leaf'),
      fc.array(tie('error'), { maxLength: 4 }),
      fc.dictionary(fc.constantFrom(...keys), tie('error'), { maxKeys: 6 }),
    ),
  }))
  fc.assert(
    fc.property(error, (value) => {
      expect(typeof verdict(planted(value)).rejected).toBe('boolean')
    }),
    { numRuns: 2_000 },
  )
})

// A 2xx may stand around an error, and is none of its status then.
test('[U5, U2] given a known status, then it decides, whatever stands beside and below it', () => {
  const below = fc.record({
    message: fc.string(),
    cause: fc.anything(),
    data: fc.anything(),
    error: fc.anything(),
  })
  const other = fc
    .integer({ min: 100, max: 599 })
    .filter((status) => ![400, 401, 403, 500].includes(status) && !(status >= 200 && status < 300))
  fc.assert(
    fc.property(below, other, (facts, status) => {
      expect(isUnauthorizedError({ ...facts, status: 401 })).toBe(true)
      expect(isUnauthorizedError({ ...facts, status })).toBe(false)
    }),
  )
})

test('[U5] given hostile objects (revoked, throwing, cyclic, without a prototype), then nothing throws', () => {
  const cyclic: Record<string, unknown> = { message: 'no' }
  Object.assign(cyclic, { cause: cyclic, error: cyclic, errors: [cyclic, [cyclic]], data: { cause: cyclic } })
  const getters = {
    get status(): never {
      throw new Error('status')
    },
    get message(): never {
      throw new Error('message')
    },
    headers: {
      get: () => {
        throw new Error('headers')
      },
    },
    cause: Object.assign(Object.create(null) as object, { statusCode: 401 }),
  }
  expect(verdict(getters)).toMatchObject({ rejected: true, status: 401 })
  for (const hostile of [
    revoked(),
    throwing(),
    cyclic,
    { cause: revoked() },
    { errors: [throwing(), revoked()] },
  ]) {
    expect(verdict(hostile)).toMatchObject({ rejected: false })
  }
  Object.assign(cyclic, { code: 'token_expired' })
  expect(isUnauthorizedError(cyclic)).toBe(true)
})

test('[U5] given headers of any kind, then nothing throws', () => {
  for (const headers of [
    null,
    7,
    'x',
    [],
    { get: 'x' },
    { get: () => 7 },
    { get: async () => 'x' },
    throwing(),
  ]) {
    expect(verdict({ status: 403, headers, responseHeaders: headers })).toMatchObject({ rejected: false })
  }
})

test('[U5] given an object with a `get` that is no collection, then the verdict does not call it', () => {
  const calls: string[] = []
  const client = (at: string): object => ({ get: (path: string) => calls.push(`${at} ${path}`) })
  verdict({
    ...client('error'),
    cause: client('cause'),
    response: { data: client('data'), headers: new Map() },
  })
  expect(calls).toEqual([])
})
