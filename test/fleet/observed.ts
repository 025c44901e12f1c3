import { RefreshError } from '../../src/index.ts'
import type { Backend, Lock } from '../../src/stores/shared/lock.ts'

/** What a store does, for a test to see, to stop, and to spoil. */
export class Observed {
  /** So many writes fail. */
  failing = 0
  #abandoned = 0
  #stop: { readonly at: string; readonly reached: () => void; readonly on: Promise<void> } | undefined
  #letOn: () => void = () => undefined

  /** Resolves when this step is reached, where the store stays until it is let on. */
  stopAt(at: string): Promise<void> {
    return new Promise((reached) => {
      this.#stop = { at, reached, on: new Promise((resolve) => (this.#letOn = resolve)) }
    })
  }

  letOn(): void {
    this.#letOn()
  }

  step(step: string): Promise<void> | undefined {
    const stop = this.#stop
    if (step !== stop?.at) return undefined
    this.#stop = undefined
    stop.reached()
    return stop.on
  }

  /** How many locks were abandoned by their holders before, since this was last asked. */
  takeAbandoned(): number {
    const abandoned = this.#abandoned
    this.#abandoned = 0
    return abandoned
  }

  through(backend: Backend): Backend {
    return {
      read: (key) => backend.read(key),
      watch: (key, wake, over) => backend.watch(key, wake, over),
      replace: (key, change) => backend.replace(key, change),
      explain: (error) => backend.explain(error),
      lockWaiter: (key, known) => {
        const contender = backend.lockWaiter(key, known)
        return {
          tryLock: async () => {
            const got = await contender.tryLock()
            return typeof got === 'object' ? this.#seen(got) : got
          },
        }
      },
    }
  }

  #seen(lock: Lock): Lock {
    if (lock.abandoned) this.#abandoned++
    return {
      current: lock.current,
      abandoned: lock.abandoned,
      renew: () => lock.renew(),
      release: (abandoned) => lock.release(abandoned),
      write: async (content) => {
        if (this.failing === 0) return lock.write(content)
        this.failing--
        throw new RefreshError('store_failed', 'the disk is full')
      },
    }
  }
}
