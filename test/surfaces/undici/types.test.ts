// The public face as a compiler sees it: these hold when `tsc` passes; nothing happens at run time.
import type { Dispatcher } from 'undici'
import { expectTypeOf, test } from 'vitest'
import type { Refreshable } from '../../../src/index.ts'
import { type Interceptor, refreshingInterceptor } from '../../../src/surfaces/undici/index.ts'

test("given the interceptor's type, when undici's compose takes it, then it compiles, and returns a dispatch of the same type", () => {
  expectTypeOf<Interceptor>().toExtend<Dispatcher.DispatcherComposeInterceptor>()
  expectTypeOf<Interceptor>().toExtend<Dispatcher.DispatchInterceptor>()
  expectTypeOf<(dispatch: Dispatcher.Dispatch) => Dispatcher.Dispatch>().toExtend<
    (dispatch: Dispatcher.Dispatch) => ReturnType<Interceptor>
  >()
})

test('given values that are no token, when an interceptor is made without apply, then it does not compile', () => {
  const use = (cell: Refreshable<{ id: string }>, token: Refreshable<string>): void => {
    refreshingInterceptor(token, { origins: 'https://a' })
    refreshingInterceptor(cell, { origins: 'https://a', apply: ({ id }) => ({ 'x-id': id }) })
    // @ts-expect-error: it has no accessToken
    refreshingInterceptor(cell, { origins: 'https://a' })
    // @ts-expect-error: origins are required
    refreshingInterceptor(token, {})
  }
  expectTypeOf(use).toBeFunction()
})
