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

/** Options of every surface that sends HTTP requests. The surface reads them once, at construction. */
export interface HttpSurfaceOptions<T> {
  /**
   * The origins that may get the credential, one or several: `https://api.example.com`. A request to any other origin passes through
   * unchanged, without the credential. Plain http is allowed for loopback and for `plainHttpOrigins` only.
   */
  origins: string | readonly string[]
  /**
   * The `origins` that may get the credential over plain http. Anyone on the way can read it there, so name only a gateway in a network
   * that you trust, such as a cluster or a compose network.
   * @default none
   * @example plainHttpOrigins: ['http://litellm:4000']
   */
  plainHttpOrigins?: string | readonly string[] | undefined
  /**
   * How the credential goes on a request. The name of a header, such as `x-api-key`, puts it into that header. A function returns all
   * headers that the request needs; a header that it sets to undefined is removed. The function is called once for each token.
   *
   * A header's name needs a token that is a string, or an object with `accessToken`. So does the default.
   * @default `Authorization: Bearer …`
   * @example apply: (token) => ({ authorization: `Bearer ${token}`, 'x-api-key': undefined })
   */
  apply?: string | Apply<T> | undefined
  /**
   * Changes to what counts as a rejection if the status is not 401. If a rule names the status of a response, the surface reads up to 64
   * KiB of the body before the caller gets the response. Of a successful event stream it judges only the status and the headers, unless
   * `inspectStreams` is on.
   * @default no changes
   */
  rules?: RejectionRules | undefined
  /**
   * Reads each event stream up to its first event before the caller gets the response. If that event is an authentication error, it is a
   * rejection, and the surface reads the stream to its end, within the same bounds as the body of a 401. Heartbeats are skipped. If the
   * first 64 KiB hold no event, the caller gets the response.
   * @default false
   */
  inspectStreams?: boolean | undefined
  /**
   * The largest request body, in bytes, that may be sent a second time. If a request with a larger body is rejected, the caller gets the
   * rejection, and the credential is refreshed all the same.
   * @default 33_554_432
   */
  replayLimit?: number | undefined
  /**
   * What happens to a request while the login is known to have ended, so that a person has to log in again. `send`: the surface sends the
   * request with the last token, because the server decides. `refuse`: the surface sends nothing, and the caller gets a 401 at once, until
   * a person has logged in, in any process that shares the store.
   * @default 'send'
   */
  whenDead?: 'send' | 'refuse' | undefined
  /**
   * Receives the events of this surface's retries, and of requests that bypassed the credential and got a 401. The credential's own
   * `onEvent` receives them, too.
   * @default none
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
 * Reads and checks the options.
 *
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
 * Makes a refresher of headers for each origin. Each origin has its own breaker, because each refresher has one.
 *
 * @param put converts the headers into the surface's own form
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

/** The longest wait, in ms, for a check whether a person has logged in. */
const LOOK = 1_000

/**
 * Checks, for `whenDead: 'refuse'`, whether a person has logged in elsewhere since the login ended.
 *
 * @throws RefreshError `reauthentication_required` if no one has; the signal's reason after an abort
 */
export async function assertRevived(refresher: Refresher<unknown>, signal?: AbortSignal): Promise<void> {
  const ended = (): RefreshError =>
    new RefreshError(
      'reauthentication_required',
      "The request was not sent, for the credential's login has ended: log in again.",
    )
  // The cooldown decides whether this call checks again. A slow check continues after our wait, for the calls that follow.
  const look = Promise.resolve(refresher.renew?.({ generation: Infinity }, { signal }))
  await within(refresher.clock ?? platformClock, LOOK, look, ended).catch(() => undefined)
  throwIfAborted(signal)
  if (refresher.isDead?.() === true) throw ended()
}

/** True for a successful event stream. Its body may last for hours, so the caller gets it as it arrives. */
export function isEventStream(status: number, contentType: unknown): boolean {
  return status >= 200 && status < 300 && typeof contentType === 'string' && EVENT_STREAM.test(contentType)
}

const EVENT_STREAM = /^\s*text\/event-stream\b/i
