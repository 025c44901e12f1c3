import { constants } from 'node:os'

type Handler = (signal: NodeJS.Signals) => void

const handlers = new Map<NodeJS.Signals, Handler>()

/**
 * Sets the handler for these signals. It replaces the handler that was set before.
 *
 * The new handler comes before the old one leaves. Without any handler, the platform drops a signal that has arrived and waits for its turn,
 * and the next signal ends the process at once.
 */
export function onSignals(signals: readonly NodeJS.Signals[], handler: Handler): void {
  for (const signal of signals) {
    const before = handlers.get(signal)
    handlers.set(signal, handler)
    process.on(signal, handler)
    if (before !== undefined) process.off(signal, before)
  }
}

/** The exit code that a shell reports for a process that this signal has ended. */
export function exitCodeFor(signal: NodeJS.Signals): number {
  return 128 + constants.signals[signal]
}
