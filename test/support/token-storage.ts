import type { Adapter, AdapterPayload } from 'oidc-provider'

interface Entry {
  payload: AdapterPayload
  /** epoch ms */
  endsAt: number
}

/**
 * The storage of oidc-provider in tests: plain maps that never evict.
 *
 * oidc-provider counts in whole seconds and rounds down, so a token of 3 s would end after 2 to 3 s. This storage also holds the exact end, so
 * that a token lives as long as its `expires_in` says.
 */
export class TokenStorage {
  readonly #entries = new Map<string, Entry>()
  readonly #grants = new Map<string, string>()

  /** The part of the storage for one model, such as `AccessToken`. */
  adapter(model: string): Adapter {
    const entries = this.#entries
    const keyOf = (id: string): string => `${model}:${id}`
    const find = (wanted: (payload: AdapterPayload) => boolean): AdapterPayload | undefined =>
      [...entries].find(([key, { payload }]) => key.startsWith(`${model}:`) && wanted(payload))?.[1].payload
    return {
      upsert: async (id, payload, expiresIn) => {
        const endsAt = expiresIn === undefined ? Infinity : Date.now() + expiresIn * 1000
        entries.set(keyOf(id), { payload, endsAt })
        if (payload.grantId !== undefined) this.#grants.set(id, payload.grantId)
      },
      find: async (id) => entries.get(keyOf(id))?.payload,
      findByUid: async (uid) => find((payload) => payload.uid === uid),
      findByUserCode: async (userCode) => find((payload) => payload.userCode === userCode),
      consume: async (id) => {
        const entry = entries.get(keyOf(id))
        if (entry) entry.payload.consumed = Math.floor(Date.now() / 1000)
      },
      destroy: async (id) => {
        entries.delete(keyOf(id))
      },
      revokeByGrantId: async (grantId) => {
        for (const [key, { payload }] of entries) {
          if (key.startsWith(`${model}:`) && payload.grantId === grantId) entries.delete(key)
        }
      },
    }
  }

  /** Whether an entry exists and has not expired. */
  alive(model: string, id: string): boolean {
    const entry = this.#entries.get(`${model}:${id}`)
    return entry !== undefined && Date.now() < entry.endsAt
  }

  /** Expires all entries of one model. */
  end(model: string): void {
    for (const [key, entry] of this.#entries) {
      if (key.startsWith(`${model}:`)) entry.endsAt = 0
    }
  }

  /** The grant of a token, even if the token itself has been deleted. */
  grantOf(id: unknown): string | undefined {
    return typeof id === 'string' ? this.#grants.get(id) : undefined
  }
}
