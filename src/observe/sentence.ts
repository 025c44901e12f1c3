import type { RefreshCause, RefreshEvent } from '../core/events.ts'
import type { RefreshError } from '../errors.ts'

/** An event as a sentence. */
export function sentenceOf(event: RefreshEvent): string {
  const { origin = 'The server' } = event
  switch (event.type) {
    case 'rejected':
      return `${origin} rejected token ${event.generation}${event.stale ? ', but a newer one is in force already' : ''}.`
    case 'refresh_started':
      return STARTED[event.cause](event.generation)
    case 'refresh_succeeded':
      return succeeded(event)
    case 'refresh_failed':
      return `The refresh failed after ${time(event.duration)}${waiting(event.joined)}. ${told(event.error)}`
    case 'refresh_discarded':
      return 'A token came too late: a login, a logout or a newer token had taken its place.'
    case 'set':
      return `A login put token ${event.generation} in force.`
    case 'cleared':
      return 'A logout took the token away.'
    case 'loaded':
      return `The store holds a token (revision ${event.revision}): it is used.`
    case 'adopted':
      return `The store holds a newer token of another process (revision ${event.revision}): it is used.`
    case 'issued':
      return 'The source issued a token.'
    case 'lock_waiting':
      return 'Another process refreshes this account: waiting for its lock.'
    case 'lock_waited':
      return `The wait for the lock is over after ${time(event.duration)}.`
    case 'persisted':
      return `The store holds the token now (revision ${event.revision}).`
    case 'persist_failed':
      return `The token is in use, but could not be stored; it is written again later. ${told(event.error)}`
    case 'record_vanished':
      return `The store lost its record (revision ${event.revision}): the token in use is written again.`
    case 'seed_ignored':
      return 'The configuration holds another refresh token, but the stored login works, so it waits.'
    case 'challenge_refused':
      return 'The authorization server refuses what the API demands: the token is refreshed without it.'
    case 'finding':
      return [event.finding.message, event.finding.fix].join(' ').trim()
    case 'bypassed':
      return `${event.origin} responded 401 and got no credential: add it to 'origins', or correct the client's base URL.`
    case 'scope_demanded': {
      const { scope, reason } = event
      const then = reason === undefined ? 'The source is asked for it.' : told(reason)
      return `The server demands ${scope === '' ? 'a wider scope' : `the scope ${scope}`}. ${then}`
    }
    case 'retried':
      return `The call is made again with token ${event.generation}${to(event.origin)}.`
    case 'not_retried':
      return `The caller gets the rejection of token ${event.generation}${to(event.origin)}. ${told(event.error)}`
    default:
      // A later version of this package may emit events that this version does not know, if the process has both.
      return `${String(Reflect.get(event, 'type'))}.`
  }
}

const STARTED: Readonly<Record<RefreshCause, (generation: number) => string>> = {
  missing: () => 'There is no token yet: fetching one.',
  expiring: (generation) => `Token ${generation} is about to expire, or has expired: refreshing it.`,
  rejected: (generation) => `Refreshing token ${generation}.`,
}

function succeeded(event: Extract<RefreshEvent, { type: 'refresh_succeeded' }>): string {
  const { generation, duration, joined, late, expiresAt } = event
  const until = expiresAt === undefined ? '' : `, good until ${instant(expiresAt)}`
  return `Token ${generation} is in force after ${time(duration)}${waiting(joined)}${until}.${late ? ' It came after the deadline.' : ''}`
}

function told({ code, message }: RefreshError): string {
  return `${message} (${code})`
}

function to(origin: string | undefined): string {
  return origin === undefined ? '' : ` at ${origin}`
}

function waiting(joined: number): string {
  return joined === 0 ? '' : ` (${joined} caller${joined === 1 ? '' : 's'} waited)`
}

/** @param ms a duration */
function time(ms: number): string {
  if (ms < 1_000) return `${Math.round(ms)} ms`
  return ms < 120_000 ? `${(ms / 1_000).toFixed(1)} s` : `${Math.round(ms / 60_000)} min`
}

/** @param at epoch ms. A number that is no valid time must not break the line */
function instant(at: number): string {
  const date = new Date(at)
  return Number.isNaN(date.getTime()) ? String(at) : date.toISOString()
}
