import { field } from '../../lib/json.ts'

/** What keeps the process alive for a while when it would end: tokens that are not stored yet. */
const held = new Map<symbol, number>()
let stopHolding: (() => void) | undefined

interface Process {
  on(event: 'beforeExit', listener: () => void): unknown
  removeListener(event: 'beforeExit', listener: () => void): unknown
}

/**
 * Keeps a process that would end alive for at most so many ms, until it is let go of. No signal is handled, and a platform that does not
 * end by itself needs nothing of the kind.
 *
 * @param ms 0: not at all
 * @returns lets the process go
 */
export function keepAlive(ms: number): () => void {
  const platform = field(globalThis, 'process')
  if (ms === 0 || !isProcess(platform)) return () => undefined
  const id = Symbol('unsaved')
  if (held.size === 0) platform.on('beforeExit', hold)
  held.set(id, ms)
  return () => {
    if (!held.delete(id) || held.size > 0) return
    platform.removeListener('beforeExit', hold)
    stopHolding?.()
    stopHolding = undefined
  }
}

/** Nothing else keeps the process alive. It is called again when the time is over, and does nothing then. */
function hold(): void {
  if (stopHolding !== undefined) return
  const timer = setTimeout(() => undefined, Math.min(Math.max(...held.values()), 2 ** 31 - 1))
  stopHolding = () => clearTimeout(timer)
}

function isProcess(value: unknown): value is Process {
  return ['on', 'removeListener'].every((name) => typeof field(value, name) === 'function')
}
