import { constants } from 'node:os'

type Handler = (signal: NodeJS.Signals) => void

const handlers = new Map<NodeJS.Signals, Handler>()

/** Hears of these signals from now on, in place of whatever heard of them before. */
export function onSignals(signals: readonly NodeJS.Signals[], handler: Handler): void {
  for (const signal of signals) {
    const before = handlers.get(signal)
    if (before !== undefined) process.off(signal, before)
    handlers.set(signal, handler)
    process.on(signal, handler)
  }
}

/** What a shell says of a process that a signal has ended. */
export function exitCodeFor(signal: NodeJS.Signals): number {
  return 128 + constants.signals[signal]
}
