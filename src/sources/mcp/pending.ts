import type { Store } from '../../credential/store.ts'
import { RefreshError } from '../../errors.ts'
import { type Entry, KeptList } from './kept.ts'

/** A login that waits for the browser to come back. */
export interface Pending {
  readonly state: string
  readonly verifier: string
  readonly issuer: string
  readonly client: string
  readonly redirectUri: string
  readonly resource: string
  /** As it was asked for; undefined: none was. */
  readonly scope?: string | undefined
  /** A hash of what the browser must bring. */
  readonly binding: string
  /** epoch ms */
  readonly at: number
}

/** ms: a person who comes back later begins again. */
const LIFETIME = 600_000
/** Logins under way at a time: the oldest makes room. */
const MOST = 1_000

/** The logins at one MCP server that are under way. */
export class PendingLogins {
  readonly #kept: KeptList

  constructor(store: Store, server: string) {
    this.#kept = new KeptList(store, 'mcp-login', server)
  }

  async add(pending: Pending): Promise<void> {
    await this.#kept.replace((list) =>
      [...list.filter((entry) => isTimely(entry, pending.at)), { ...pending }].slice(-MOST),
    )
  }

  /**
   * Takes a login that is under way, once.
   *
   * @param binding the hash of what this browser brought
   * @param now epoch ms
   * @throws RefreshError `reauthentication_required`, which says why there is none
   */
  async take(state: string, binding: string, now: number): Promise<Pending> {
    let taken: Pending | undefined
    let problem = UNKNOWN
    await this.#kept.replace((list) => {
      taken = undefined
      problem = UNKNOWN
      const entry = list.find((found) => found['state'] === state)
      if (entry === undefined) return list
      if (!isTimely(entry, now)) problem = LATE
      else if (entry['isDone'] === true) problem = TWICE
      else if (entry['binding'] !== binding) problem = OTHER
      else taken = read(entry)
      if (taken === undefined) return list
      // The emptied record tells a second return from an unknown one.
      const done = { state, at: taken.at, isDone: true }
      return list.map((found) => (found === entry ? done : found))
    })
    if (taken !== undefined) return taken
    throw new RefreshError('reauthentication_required', `${problem} Begin the login again.`)
  }
}

const UNKNOWN =
  'No such login is under way: it was not begun over this store, or it was begun more than 10 minutes ago.'
const LATE = 'The browser came back more than 10 minutes after the login was begun.'
const TWICE = 'This login was finished already: its code is good for once.'
const OTHER =
  "This login was begun in another browser: the 'binding' is not the one that begin() gave, or its cookie did not arrive."

function isTimely({ at }: Entry, now: number): boolean {
  return typeof at === 'number' && now - at <= LIFETIME
}

function read({
  state,
  verifier,
  issuer,
  client,
  redirectUri,
  resource,
  scope,
  binding,
  at,
}: Entry): Pending | undefined {
  const texts = { state, verifier, issuer, client, redirectUri, resource, binding }
  if (typeof at !== 'number' || Object.values(texts).some((text) => typeof text !== 'string'))
    return undefined
  return {
    state: String(state),
    verifier: String(verifier),
    issuer: String(issuer),
    client: String(client),
    redirectUri: String(redirectUri),
    resource: String(resource),
    ...(typeof scope === 'string' && scope !== '' && { scope }),
    binding: String(binding),
    at,
  }
}
