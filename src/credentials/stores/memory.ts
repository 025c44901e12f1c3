import type { Change, Store, StoredToken } from '../store.ts'
import { Turns } from '../turns.ts'

const NONE: StoredToken = { token: undefined, revision: 0 }

/** A store for one process: what is in it ends with it. */
export class MemoryStore implements Store {
  readonly #records = new Map<string, StoredToken>()
  readonly #turns = new Turns()

  read(key: string): Promise<StoredToken | undefined> {
    return Promise.resolve(this.#records.get(key))
  }

  update(key: string, change: Change): Promise<StoredToken> {
    return this.#turns.take(key, async () => {
      const { signal } = new AbortController()
      const current = this.#records.get(key)
      const token = await change(current, { signal, abandoned: false })
      return token === undefined ? (current ?? NONE) : this.#write(key, token)
    })
  }

  async delete(key: string): Promise<void> {
    await this.#turns.take(key, async () => this.#write(key, undefined))
  }

  #write(key: string, token: StoredToken['token']): StoredToken {
    const { revision } = this.#records.get(key) ?? NONE
    const record = { token, revision: revision + 1 }
    this.#records.set(key, record)
    return record
  }
}
