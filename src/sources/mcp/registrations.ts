import type { Store } from '../../credential/store.ts'
import { type Entry, KeptList } from './kept.ts'

/** A client that is registered at an authorization server. */
export interface Registered {
  readonly id: string
  readonly secret?: string | undefined
  readonly auth?: 'client_secret_basic' | 'client_secret_post' | undefined
  /** The redirect URI for which the client was registered. */
  readonly redirectUri?: string | undefined
  /** epoch ms. The server rejects the client's secret from this time on. */
  readonly expiresAt?: number | undefined
  /** epoch ms */
  readonly madeAt?: number | undefined
}

/** The most registrations at one server. Each redirect URI has its own, and perhaps earlier ones. */
const MOST = 32
/** ms. A younger registration is not tested, because a server may count the requests of a client. */
const NEW = 600_000

/** The dynamic registrations (RFC 7591) at one authorization server. */
export class Registrations {
  readonly #kept: KeptList

  constructor(store: Store, issuer: string) {
    this.#kept = new KeptList(store, 'mcp-client', issuer)
  }

  /** @param id undefined: find the newest registration */
  async find(id: string | undefined): Promise<Registered | undefined> {
    const all = (await this.#kept.read()).map(read)
    return all.findLast((registered) => id === undefined || registered?.id === id)
  }

  /**
   * Finds the registration for a redirect URI. If there is none, one process at a time calls `register`. The newest earlier registrations stay
   * in the store, because stored logins may still use them.
   *
   * @param now epoch ms
   * @param dead the id of a registration that the server no longer knows
   */
  async ensure(
    redirectUri: string,
    now: number,
    register: () => Promise<Registered>,
    dead?: string,
  ): Promise<Registered> {
    const fits = (entry: Entry): boolean => {
      const registered = read(entry)
      return (
        registered?.redirectUri === redirectUri &&
        registered.id !== dead &&
        (registered.expiresAt ?? Infinity) > now
      )
    }
    const before = (await this.#kept.read()).findLast(fits)
    let registered = before && read(before)
    if (registered !== undefined) return registered
    await this.#kept.update(async (list) => {
      const other = list.findLast(fits)
      registered = other && read(other)
      if (registered !== undefined) return undefined
      registered = await register()
      return [...list, { ...registered, redirectUri, madeAt: now }].slice(-MOST)
    })
    return registered ?? register()
  }

  /**
   * Finds the registration for a redirect URI, and registers again, once, if the server does not know the registration any more.
   *
   * @param isDead whether the authorization endpoint refuses a client with this id
   */
  async living(
    redirectUri: string,
    now: number,
    register: () => Promise<Registered>,
    isDead: (id: string) => Promise<boolean>,
  ): Promise<Registered> {
    const made = new Set<string>()
    const anew = async (): Promise<Registered> => {
      const registered = await register()
      made.add(registered.id)
      return registered
    }
    const registered = await this.ensure(redirectUri, now, anew)
    const { id, madeAt = -Infinity } = registered
    const isNew = made.has(id) || (now - madeAt < NEW && now >= madeAt)
    return isNew || !(await isDead(id)) ? registered : this.ensure(redirectUri, now, anew, id)
  }

  /** Removes a registration that the server does not know any more. */
  async forget(id: string): Promise<void> {
    const list = await this.#kept.read()
    if (!list.some((entry) => entry['id'] === id)) return
    await this.#kept.replace((now) => now.filter((entry) => entry['id'] !== id))
  }
}

function read({ id, secret, auth, redirectUri, expiresAt, madeAt }: Entry): Registered | undefined {
  if (typeof id !== 'string' || id === '') return undefined
  return {
    id,
    ...(typeof secret === 'string' && { secret }),
    ...((auth === 'client_secret_basic' || auth === 'client_secret_post') && { auth }),
    ...(typeof redirectUri === 'string' && { redirectUri }),
    ...(typeof expiresAt === 'number' && { expiresAt }),
    ...(typeof madeAt === 'number' && { madeAt }),
  }
}
