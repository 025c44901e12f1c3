import { type AsyncContext, asyncContext } from './async-context.ts'

/** One run of a source, and the run that it is part of. */
interface SourceRun {
  /** Cleared when the run ends: a promise made within it may be cached and keeps the run, but must not keep the owner. */
  owner: object | undefined
  readonly outer: SourceRun | undefined
  /** A connection that was opened within a run keeps the run's context. Its later requests are not the source's. */
  isOver: boolean
}

/** undefined until a source first runs, and on a runtime without `AsyncLocalStorage`. */
let context: AsyncContext<SourceRun> | undefined

/**
 * Runs a source. Every request that it makes until it settles belongs to it, across every await. The surface that the source serves lets
 * these requests pass by, for they would wait for themselves.
 *
 * @param owner the source's owner. Surfaces that serve another owner handle the requests as usual. Default: every surface lets them pass
 * by.
 */
export async function runAsSource<R>(run: () => R | Promise<R>, owner?: object): Promise<R> {
  context ??= asyncContext<SourceRun>()
  if (context === undefined) return run()
  const current: SourceRun = { owner, outer: context.getStore(), isOver: false }
  try {
    return await context.run(current, async () => run())
  } finally {
    current.isOver = true
    current.owner = undefined
  }
}

/**
 * True if this code runs within a source. Always false on a runtime without `AsyncLocalStorage`: see `rawFetch()`.
 *
 * @param owner whose source is meant. Default: any owner's
 */
export function isInSource(owner?: object): boolean {
  for (let run = context?.getStore(); run !== undefined; run = run.outer) {
    if (run.isOver) continue
    if (owner === undefined || run.owner === undefined || run.owner === owner) return true
  }
  return false
}
