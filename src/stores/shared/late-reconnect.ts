import type { Finding } from '../../core/events.ts'

/** The number of a late try to connect, before which a strategy waits nearly as long as it ever will. */
const LATE_TRY = 30

/** How a client waits before it reconnects. */
export interface Reconnecting {
  /** The name of the client. */
  readonly driver: string
  /** The name of its option. */
  readonly option: string
  /** The option's value: a number, or a function of the number of tries. */
  readonly strategy: unknown
  /** ms in one unit of the strategy's result. Default: 1. */
  readonly unit?: number
  /** A good value of the option, for the message. */
  readonly example: string
}

/**
 * Finds a client that connects again too late. Other processes may acquire the lock one lease after the server returns from an outage, and
 * the holder of an unsaved token must write before that. So its client must wait less than a lease before it connects again.
 *
 * @param lease ms
 */
export function lateReconnect(
  { driver, option, strategy, unit = 1, example }: Reconnecting,
  lease: number,
): readonly Finding[] {
  const pause = longest(strategy) * unit
  if (!(pause >= lease)) return []
  return [
    {
      code: 'client_reconnects_late',
      level: 'warning',
      message: `${driver} may wait ${Math.round(pause)} ms before it connects again (${option}), and the lease is ${lease} ms. After an outage another process may acquire the lock of a token that is not stored yet, and the login is lost.`,
      fix: `Set ${option}, such as ${example}.`,
    },
  ]
}

/** The longest wait of a strategy, in its unit; NaN if it cannot be told. */
function longest(strategy: unknown): number {
  if (typeof strategy === 'number') return strategy
  if (typeof strategy !== 'function') return NaN
  try {
    const pause: unknown = Reflect.apply(strategy, undefined, [LATE_TRY, new Error('not connected')])
    return typeof pause === 'number' ? pause : NaN
  } catch {
    return NaN
  }
}
