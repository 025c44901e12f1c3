import type { RefreshListener } from '../../core/events.ts'
import { assertRefresher, type Refresher } from '../../core/refresher.ts'
import type { RejectionRules } from '../../core/verdict/unauthorized.ts'
import { RefreshError } from '../../errors.ts'
import { throwIfAborted } from '../../lib/abortable.ts'
import { platformClock, within } from '../../lib/clock.ts'
import {
  aBoolean,
  aFunction,
  type Check,
  checkedOptions,
  either,
  from,
  unchecked,
} from '../../lib/options.ts'
import { type Applied, type Apply, readApply } from './apply.ts'
import { readOrigins } from './origins.ts'
import { ResponseJudge } from './response-judge.ts'

/** Options of every surface that sends HTTP requests. They are read once, at construction. */
export interface HttpSurfaceOptions<T> {
  /**
   * The origins that may get the credential: `https://api.example.com`, one or several. Requests to any other origin pass through
   * unchanged, without it. Plain http is for loopback only, and for `plainHttpOrigins`.
   */
  origins: string | readonly string[]
  /**
   * Those of the `origins` that may get the credential over plain http, where anyone on the way can read it: a gateway within a cluster, or
   * of a compose network, whose traffic you trust.
   * @default none
   * @example plainHttpOrigins: ['http://litellm:4000']
   */
  plainHttpOrigins?: string | readonly string[] | undefined
  /**
   * How the credential is put on a request. Default: `Authorization: Bearer …`. The name of a header, such as `x-api-key`, puts it there. A
   * function returns all the headers that are needed, and removes those that it sets to undefined. It is called once for each token.
   *
   * The default and a header's name read the token by themselves: it is a string, or an object's `accessToken`.
   * @example apply: (token) => ({ authorization: `Bearer ${token}`, 'x-api-key': undefined })
   */
  apply?: string | Apply<T> | undefined
  /**
   * Changes to what counts as a rejection with a status other than 401. The body of a response with a status that a rule names is read, up
   * to 64 KiB, before the caller gets it. For a successful event stream only the status and the headers are judged, unless `inspectStreams`
   * is on.
   */
  rules?: RejectionRules | undefined
  /**
   * Reads event streams up to their first event. If that is an authentication error, it is a rejection like any other, and is read to its
   * end within the same bounds as a 401. The caller gets the response only then. Heartbeats are skipped; after 64 KiB without an event the
   * caller gets the response.
   * @default false
   */
  inspectStreams?: boolean | undefined
  /**
   * The largest body that is sent a second time, in bytes. The caller gets the rejection of a larger one; the credential is refreshed all
   * the same.
   * @default 33_554_432
   */
  replayLimit?: number | undefined
  /**
   * How a request is handled while the login is known to have ended, so that only a person can mend it. `send`: it is sent with the last
   * token, because the remote side's verdict counts. `refuse`: the caller gets a 401 at once, and nothing is sent,
   * until a person has logged in, in any process that shares the store.
   * @default 'send'
   */
  whenDead?: 'send' | 'refuse' | undefined
  /**
   * Receives the events of this surface's retries, and of requests that bypassed the credential and got a 401. The credential's own
   * listener receives both, too.
   */
  onEvent?: RefreshListener | undefined
}

/** The common settings of all calls of one surface. */
export interface HttpSettings {
  readonly judge: ResponseJudge
  readonly inspectStreams: boolean
  /** bytes */
  readonly replayLimit: number
  readonly isRefusedWhenDead: boolean
  readonly onEvent: RefreshListener | undefined
}

/**
 * @param more the surface's own options
 * @throws RefreshError `invalid_option`
 */
export function readHttpOptions<T>(
  options: HttpSurfaceOptions<T>,
  more: Readonly<Record<string, Check>> = {},
): HttpSettings {
  const { rules, inspectStreams, replayLimit, whenDead, onEvent } = checkedOptions(options, {
    ...unchecked('origins', 'plainHttpOrigins', 'apply', 'rules'),
    inspectStreams: [aBoolean, false],
    replayLimit: [from(0, 'bytes'), 33_554_432],
    whenDead: [either('send', 'refuse'), 'send'],
    onEvent: aFunction,
    ...more,
  })
  return {
    judge: new ResponseJudge(rules),
    inspectStreams,
    replayLimit,
    isRefusedWhenDead: whenDead === 'refuse',
    onEvent,
  }
}

/**
 * The headers for requests, by the origin that may have them. Each remote side has a map of its own, with its own breaker.
 *
 * @param put the credential, in the form that the surface wants
 * @throws RefreshError `invalid_option`
 */
export function credentialsByOrigin<T, C>(
  refresher: Refresher<T>,
  { origins, plainHttpOrigins, apply }: HttpSurfaceOptions<T>,
  put: (applied: Applied) => C,
): ReadonlyMap<string, Refresher<C>> {
  assertRefresher(refresher)
  const applied = readApply(apply)
  const each = [...readOrigins(origins, plainHttpOrigins)]
  const build = (value: T): C | Promise<C> => {
    const headers = applied(value)
    return headers instanceof Promise ? headers.then(put) : put(headers)
  }
  return new Map(each.map((origin) => [origin, refresher.map(build)]))
}

/** ms that a call waits for a look whether somebody has logged in. */
const LOOK = 1_000

/**
 * For `whenDead: 'refuse'`, when a login is known to have ended: a person may have logged in elsewhere since.
 *
 * @throws RefreshError if nobody has; the signal's reason
 */
export async function assertRevived(refresher: Refresher<unknown>, signal?: AbortSignal): Promise<void> {
  const ended = (): RefreshError =>
    new RefreshError(
      'reauthentication_required',
      "The request was not sent, for the credential's login has ended: log in again.",
    )
  // The cooldown tells whether it is time to look. A slow look goes on, for the calls that follow.
  const look = Promise.resolve(refresher.renew?.({ generation: Infinity }, { signal }))
  await within(refresher.clock ?? platformClock, LOOK, look, ended).catch(() => undefined)
  throwIfAborted(signal)
  if (refresher.isDead?.() === true) throw ended()
}

/** The caller gets a successful event stream as it comes: its body may last for hours. */
export function isEventStream(status: number, contentType: unknown): boolean {
  return status >= 200 && status < 300 && typeof contentType === 'string' && EVENT_STREAM.test(contentType)
}

const EVENT_STREAM = /^\s*text\/event-stream\b/i
