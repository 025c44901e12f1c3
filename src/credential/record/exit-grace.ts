import { field } from '../../lib/json.ts'

interface Held {
  readonly ms: number
  /** It runs from the moment at which the process would have ended, once. */
  timer?: ReturnType<typeof setTimeout>
}

/** The unsaved tokens that keep the process alive for a while when it would end. */
const held = new Set<Held>()

interface Process {
  on(event: 'beforeExit', listener: () => void): unknown
  removeListener(event: 'beforeExit', listener: () => void): unknown
}

/**
 * Keeps a process that would end alive for at most this long, or until it is released. It handles no signal. A platform that does not end
 * by itself needs no such thing.
 *
 * @param ms 0: not at all
 * @returns releases the process
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

/** Called when nothing else keeps the process alive, and again when a timer ends: then only newer entries get a timer. */
function hold(): void {
  for (const own of held) own.timer ??= setTimeout(() => undefined, own.ms)
}

function isProcess(value: unknown): value is Process {
  return ['on', 'removeListener'].every((name) => typeof field(value, name) === 'function')
}
