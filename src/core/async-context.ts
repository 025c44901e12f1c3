/** As much of Node's `AsyncLocalStorage` as is needed here. */
export interface AsyncContext<T> {
  run<R>(value: T, callback: () => R): R
  getStore(): T | undefined
}

/**
 * A value that follows the calls made within a function, across everything that they await. undefined on a runtime that has no such
 * thing, such as a browser. It is looked up at run time, for this module must not import `node:`.
 */
export function asyncContext<T>(): AsyncContext<T> | undefined {
  try {
    const process: unknown = Reflect.get(globalThis, 'process')
    const lookUp: unknown = Reflect.get(Object(process), 'getBuiltinModule')
    if (typeof lookUp !== 'function') return undefined
    const module: unknown = Reflect.apply(lookUp, process, ['node:async_hooks'])
    const Storage: unknown = Reflect.get(Object(module), 'AsyncLocalStorage')
    if (typeof Storage !== 'function') return undefined
    const context: unknown = Reflect.construct(Storage, [])
    return isContext<T>(context) ? context : undefined
  } catch {
    return undefined // a runtime that knows the name and refuses the module
  }
}

function isContext<T>(candidate: unknown): candidate is AsyncContext<T> {
  return typeof candidate === 'object' && candidate !== null && 'run' in candidate && 'getStore' in candidate
}
