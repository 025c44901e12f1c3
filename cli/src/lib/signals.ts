import { constants } from 'node:os'

type Handler = (signal: NodeJS.Signals) => void

const handlers = new Map<NodeJS.Signals, Handler>()

/** Sets the handler for these signals. It replaces the handler that was set before. */
export function onSignals(signals: readonly NodeJS.Signals[], handler: Handler): void {
  for (const signal of signals) {
    const before = handlers.get(signal)
    if (before !== undefined) process.off(signal, before)
    handlers.set(signal, handler)
    process.on(signal, handler)
  }
}

/** The exit code that a shell reports for a process that this signal has ended. */
export function exitCodeFor(signal: NodeJS.Signals): number {
  return 128 + constants.signals[signal]
}
