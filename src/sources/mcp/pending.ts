import { factsOf, isPassing, noting } from '../../credential/failure-facts.ts'
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
  /** The requested scope; undefined if the login requested none. */
  readonly scope?: string | undefined
  /** A hash of the `binding` that the browser must bring back. */
  readonly binding: string
  /** epoch ms */
  readonly at: number
}

/** ms. A person who returns later must begin again. */
const LIFETIME = 600_000
/** Logins in progress at a time. A further login drops the oldest. */
const MOST = 1_000

/** The logins in progress at one MCP server. */
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
   * Finds a login in progress.
   *
   * @param binding the hash of the `binding` that this browser brought back
   * @param now epoch ms
   * @throws RefreshError `reauthentication_required`. Its message says why there is no such login.
   */
  async find(state: string, binding: string, now: number): Promise<Pending> {
    return accepted(judge(await this.#kept.read(), state, binding, now))
  }

  /** Takes a login in progress, so that no caller finds it again. */
  async take(state: string, binding: string, now: number): Promise<void> {
    let judged: Pending | string = UNKNOWN
    await this.#kept.replace((list) => {
      judged = judge(list, state, binding, now)
      if (typeof judged === 'string') return list
      // The entry stays, without its secrets, so that a second callback gets another message than an unknown one.
      const done = { state, at: judged.at, isDone: true }
      return list.map((entry) => (entry['state'] === state ? done : entry))
    })
    accepted(judged)
  }
}

/** The login, or the sentence that says why the callback cannot finish it. */
function judge(list: readonly Entry[], state: string, binding: string, now: number): Pending | string {
  const entry = list.find((one) => one['state'] === state)
  if (entry === undefined) return UNKNOWN
  if (!isTimely(entry, now)) return LATE
  if (entry['isDone'] === true) return TWICE
  return entry['binding'] === binding ? (read(entry) ?? UNKNOWN) : OTHER
}

function accepted(judged: Pending | string): Pending {
  if (typeof judged !== 'string') return judged
  throw new RefreshError('reauthentication_required', `${judged} Begin the login again.`)
}

/** The error for a callback without `state`: a person opened its address by hand, or the server left the parameter out. */
export function stateless(): RefreshError {
  return new RefreshError(
    'reauthentication_required',
    "The URL of the callback holds no 'state', so it is the end of no login. Begin the login again. If that ends the same way, the authorization server leaves 'state' out: ask its operator to mend that.",
  )
}

/** The error if the authorization server's metadata could not be read. The code was not sent, so the caller can call `finish()` again. */
export function notSent(error: unknown): unknown {
  if (!(error instanceof RefreshError)) return error
  const { code, message, retryAfterMs } = error
  const whole = `${message} The code was not sent: call finish() again with the same URL.`
  return noting(new RefreshError(code, whole, { cause: error, retryAfterMs }), factsOf(error))
}

/** The error if the token endpoint gave no usable response. The code may be spent, so no caller may send it again. */
export function perhapsSent(error: unknown): unknown {
  if (!(error instanceof RefreshError) || !isPassing(error)) return error
  const { code, message, retryAfterMs } = error
  const whole = `${message} The code may be spent: begin the login again.`
  return noting(new RefreshError(code, whole, { cause: error, retryAfterMs }), factsOf(error))
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
