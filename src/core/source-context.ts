/** Which calls are a source's own: its requests pass by the surface that it serves, and its updates wait for no slot. */

interface Storage {
  run<R>(store: true, run: () => R): R
  getStore(): true | undefined
}

let storage: Storage | undefined | null

/** Runs a source. Undefined behaviour is avoided where the platform has no async context: then nothing is marked. */
export function runAsSource<R>(run: () => R): R {
  const found = load()
  return found ? found.run(true, run) : run()
}

/** Whether the caller runs inside a source's `issue`. Always false where the platform has no async context. */
export function isInSource(): boolean {
  return load()?.getStore() === true
}

/** By `process.getBuiltinModule`, so that the root entry imports no `node:` module. */
function load(): Storage | undefined {
  if (storage !== undefined) return storage ?? undefined
  storage = null
  try {
    const getBuiltin: unknown = Reflect.get(Object(Reflect.get(globalThis, 'process')), 'getBuiltinModule')
    if (typeof getBuiltin !== 'function') return undefined
    const hooks: unknown = getBuiltin('node:async_hooks')
    const AsyncLocalStorage: unknown = Reflect.get(Object(hooks), 'AsyncLocalStorage')
    if (isConstructor(AsyncLocalStorage)) storage = new AsyncLocalStorage()
  } catch {
    // A platform that forbids it has none.
  }
  return storage ?? undefined
}

function isConstructor(value: unknown): value is new () => Storage {
  return typeof value === 'function'
}
