import { type AsyncContext, asyncContext } from './async-context.ts'

/** One run of a source, and the run that it is part of. */
interface SourceRun {
  /** Let go of at the end: what was made within, such as a cached promise, keeps the run, and must not keep its owner. */
  owner: object | undefined
  readonly outer: SourceRun | undefined
  /** A connection that was opened within a run keeps the run's context. Its later requests are not the source's. */
  isOver: boolean
}

/** undefined until it is needed, and on a runtime that has none. */
let context: AsyncContext<SourceRun> | undefined

/**
 * Runs a source: requests that are made within belong to it, across everything that it awaits, until it settles. They never pass the
 * surface that the source serves, for they would wait for themselves.
 *
 * @param owner what the source belongs to. A surface that serves another owner is passed as usual. Default: every surface is avoided.
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
 * Is this code running within a source? Always false on a runtime without `AsyncLocalStorage`: see `rawFetch()`.
 *
 * @param owner of interest. Default: any
 */
export function isInSource(owner?: object): boolean {
  for (let run = context?.getStore(); run !== undefined; run = run.outer) {
    if (run.isOver) continue
    if (owner === undefined || run.owner === undefined || run.owner === owner) return true
  }
  return false
}
