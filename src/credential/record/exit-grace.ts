import { field } from '../../lib/json.ts'

interface Held {
  readonly ms: number
  /** Started once, at the moment at which the process would have ended. */
  timer?: ReturnType<typeof setTimeout>
}

/** One entry for each unsaved token, which keeps the process alive for a while when it would end. */
const held = new Set<Held>()

interface Process {
  on(event: 'beforeExit', listener: () => void): unknown
  removeListener(event: 'beforeExit', listener: () => void): unknown
}

/**
 * Keeps a process that would end alive, for at most `ms`. It handles no signal. It does nothing on a platform without Node's `process`.
 *
 * @param ms 0: the process ends at once
 * @returns a function that lets the process end
 */
export function keepAlive(ms: number): () => void {
  const platform = field(globalThis, 'process')
  if (ms === 0 || !isProcess(platform)) return () => undefined
  const own: Held = { ms: Math.min(ms, 2 ** 31 - 1) }
  if (held.size === 0) platform.on('beforeExit', hold)
  held.add(own)
  return () => {
    clearTimeout(own.timer)
    if (held.delete(own) && held.size === 0) platform.removeListener('beforeExit', hold)
  }
}

/** Node calls it when nothing else keeps the process alive, and again when the timers have ended. Each entry gets one timer only. */
function hold(): void {
  for (const own of held) own.timer ??= setTimeout(() => undefined, own.ms)
}

function isProcess(value: unknown): value is Process {
  return ['on', 'removeListener'].every((name) => typeof field(value, name) === 'function')
}
