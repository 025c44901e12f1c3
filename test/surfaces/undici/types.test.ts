// The public face as a compiler sees it: these hold when `tsc` passes; nothing happens at run time.
import type { Dispatcher } from 'undici'
import { expectTypeOf, test } from 'vitest'
import type { Refreshable } from '../../../src/index.ts'
import { type Interceptor, refreshingInterceptor } from '../../../src/surfaces/undici/index.ts'

test('it is what undici’s compose takes, and gives a dispatch of the same make', () => {
  expectTypeOf<Interceptor>().toExtend<Dispatcher.DispatcherComposeInterceptor>()
  expectTypeOf<Interceptor>().toExtend<Dispatcher.DispatchInterceptor>()
  expectTypeOf<(dispatch: Dispatcher.Dispatch) => Dispatcher.Dispatch>().toExtend<
    (dispatch: Dispatcher.Dispatch) => ReturnType<Interceptor>
  >()
})

test('a value that is no token needs an apply of its own', () => {
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
