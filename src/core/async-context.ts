import { field } from '../lib/json.ts'
import { builtinModule } from './builtin-module.ts'

/** A value that follows the calls made within a function, across everything that they await. */
export interface AsyncContext<T> {
  /** Runs the callback with the value in its context until its promise settles. */
  run<R>(value: T, callback: () => Promise<R>): Promise<R>
  getStore(): T | undefined
}

/** The part of Node's `AsyncLocalStorage` that this file uses. */
interface Storage<T> {
  run<R>(value: T, callback: () => R): R
  getStore(): T | undefined
  disable?(): void
}

/**
 * undefined on a runtime without `AsyncLocalStorage`, such as a browser. Looked up at run time, because this module must not import `node:`.
 */
export function asyncContext<T>(): AsyncContext<T> | undefined {
  try {
    const Storage: unknown = Reflect.get(Object(builtinModule('async_hooks')), 'AsyncLocalStorage')
    if (typeof Storage !== 'function') return undefined
    const storage: unknown = Reflect.construct(Storage, [])
    return isStorage<T>(storage) ? tracked(storage) : undefined
  } catch {
    return undefined // a runtime that knows the name and refuses the module
  }
}

/**
 * Node before 24 follows calls with a hook on every promise of the process, and each promise costs about three times as much meanwhile. So
 * there the storage is disabled as soon as no run is left.
 */
function tracked<T>(storage: Storage<T>): AsyncContext<T> {
  const [node, bun, deno] = ['node', 'bun', 'deno'].map((name) =>
    field(field(field(globalThis, 'process'), 'versions'), name),
  )
  const tracks = Number.parseInt(String(node), 10) < 24 && bun === undefined && deno === undefined
  let running = 0
  return {
    run: async (value, callback) => {
      running++
      try {
        return await storage.run(value, callback)
      } finally {
        running--
        if (tracks && running === 0) quiet(storage)
      }
    },
    getStore: () => storage.getStore(),
  }
}

/** Cloudflare claims to be Node 22 and has `disable()`, which throws there. The storage then stays enabled, which costs little. */
function quiet(storage: Storage<unknown>): void {
  try {
    storage.disable?.()
  } catch {
    // as above
  }
}

function isStorage<T>(candidate: unknown): candidate is Storage<T> {
  return typeof candidate === 'object' && candidate !== null && 'run' in candidate && 'getStore' in candidate
}
