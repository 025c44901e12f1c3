import type { RefreshListener } from '../core/events.ts'
import { describe, optionError } from '../core/options.ts'
import type { RejectionRules } from '../core/unauthorized.ts'
import type { Apply } from './apply.ts'

/** What every surface that sends HTTP requests is told. Read once, at construction. */
export interface HttpOptions<T> {
  /**
   * Where the credential may go: `https://api.example.com`, one or several. Requests to anywhere else pass through as
   * they are, without it. Plain http is for loopback only.
   */
  origins: string | readonly string[]
  /**
   * How the credential is put on a request. Default: `Authorization: Bearer …`. The name of a header, such as `x-api-key`,
   * puts it there; a function gives whatever headers are needed, and takes away those that it says are undefined.
   *
   * Only the first two read the token by themselves: it is a string, or an object's `accessToken`.
   * @example (token) => ({ authorization: `Bearer ${token}`, 'x-api-key': undefined })
   */
  apply?: string | Apply<T> | undefined
  /**
   * Changes to what counts as a rejection with a status other than 401. The body of an answer with a status that a
   * rule names is read, up to 64 KiB, before it is handed on.
   */
  rules?: RejectionRules | undefined
  /**
   * Reads event streams up to their first event: where that is an authentication error, it is a rejection like any other. The
   * answer is handed on only then. Heartbeats are passed over; after 64 KiB without an event the answer is handed on.
   * @default false
   */
  sniff?: boolean | undefined
  /**
   * The largest body that is sent a second time, in bytes. The rejection of a larger one is handed on; the credential is
   * refreshed all the same.
   * @default 33_554_432
   */
  replayLimit?: number | undefined
  /** Hears of retries. Refreshes are the cell's to tell. */
  onEvent?: RefreshListener | undefined
}

export const httpOptionNames: readonly (keyof HttpOptions<unknown>)[] = [
  'origins',
  'apply',
  'rules',
  'sniff',
  'replayLimit',
  'onEvent',
]

/** @throws RefreshError `invalid_option` */
export function readReplayLimit(bytes: number = 33_554_432): number {
  if (Number.isFinite(bytes) && bytes >= 0) return bytes
  throw optionError('replayLimit', `must be bytes from 0, not ${describe(bytes)}`)
}

/** @throws RefreshError `invalid_option` */
export function readSniff(sniff: boolean = false): boolean {
  if (typeof sniff === 'boolean') return sniff
  throw optionError('sniff', `must be true or false, not ${describe(sniff)}`)
}
