import { builtinModule } from './builtin-module.ts'

/** A value that follows the calls made within a function, across everything that they await. */
export interface AsyncContext<T> {
  /** Until it settles. */
  run<R>(value: T, callback: () => Promise<R>): Promise<R>
  getStore(): T | undefined
}

/** As much of Node's `AsyncLocalStorage` as is needed here. */
interface Storage<T> {
  run<R>(value: T, callback: () => R): R
  getStore(): T | undefined
  disable?(): void
}

/** undefined on a runtime that has no such thing, such as a browser. */
export function asyncContext<T>(): AsyncContext<T> | undefined {
  try {
    const Storage: unknown = Reflect.get(Object(builtinModule('node:async_hooks')), 'AsyncLocalStorage')
    if (typeof Storage !== 'function') return undefined
    const storage: unknown = Reflect.construct(Storage, [])
    const tracks = tracksPromises(Reflect.get(globalThis, 'process'))
    return isStorage<T>(storage) ? new StoredContext(storage, tracks) : undefined
  } catch {
    return undefined // a runtime that knows the name and refuses to make one
  }
}

/** Node before 24 follows calls by a hook on every promise of the process: each costs about three times as much while it is enabled. */
class StoredContext<T> implements AsyncContext<T> {
  readonly #storage: Storage<T>
  readonly #tracks: boolean
  #running = 0

  constructor(storage: Storage<T>, tracks: boolean) {
    this.#storage = storage
    this.#tracks = tracks
  }

  async run<R>(value: T, callback: () => Promise<R>): Promise<R> {
    this.#running++
    try {
      return await this.#storage.run(value, callback)
    } finally {
      this.#running--
      if (this.#tracks && this.#running === 0) this.#storage.disable?.()
    }
  }

  getStore(): T | undefined {
    return this.#storage.getStore()
  }
}

function tracksPromises(process: unknown): boolean {
  const versions: unknown = Reflect.get(Object(process), 'versions')
  const [node, bun, deno] = ['node', 'bun', 'deno'].map((name): unknown =>
    Reflect.get(Object(versions), name),
  )
  return typeof node === 'string' && Number.parseInt(node, 10) < 24 && bun === undefined && deno === undefined
}

function isStorage<T>(candidate: unknown): candidate is Storage<T> {
  return typeof candidate === 'object' && candidate !== null && 'run' in candidate && 'getStore' in candidate
}
