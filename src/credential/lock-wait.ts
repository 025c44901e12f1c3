import type { Audience } from '../core/audience.ts'
import type { Clock } from '../lib/clock.ts'

interface Settings {
  readonly audience: Audience
  readonly clock: Clock
}

/** Makes a function that reports an update's wait for its lock to the listeners: the begin (true) and the end (false), once each. */
export function lockWait({ audience, clock }: Settings): (isWaiting: boolean) => void {
  /** epoch ms: when the wait began; undefined while the update does not wait. */
  let since: number | undefined
  return (isWaiting) => {
    if (isWaiting === (since !== undefined)) return
    const now = clock.now()
    if (since === undefined) audience.tell({ type: 'lock_waiting' })
    else audience.tell({ type: 'lock_waited', duration: Math.max(0, now - since) })
    since = isWaiting ? now : undefined
  }
}
