import { builtinModule } from './builtin-module.ts'

/** As much of Node's `AsyncLocalStorage` as is needed here. */
export interface AsyncContext<T> {
  run<R>(value: T, callback: () => R): R
  getStore(): T | undefined
}

/** A value that follows the calls made within a function, across everything that they await. undefined on a runtime that has no such thing, such as a browser. */
export function asyncContext<T>(): AsyncContext<T> | undefined {
  const Storage: unknown = Reflect.get(Object(builtinModule('async_hooks')), 'AsyncLocalStorage')
  if (typeof Storage !== 'function') return undefined
  const context: unknown = Reflect.construct(Storage, [])
  return isContext<T>(context) ? context : undefined
}

function isContext<T>(candidate: unknown): candidate is AsyncContext<T> {
  return typeof candidate === 'object' && candidate !== null && 'run' in candidate && 'getStore' in candidate
}
