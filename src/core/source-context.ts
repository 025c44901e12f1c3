import { type AsyncContext, asyncContext } from './async-context.ts'

/** One run of a source, and the run that it is part of. */
interface SourceRun {
  /** Cleared when the run ends: a cached promise that was made within the run keeps the run in memory, and must not keep the owner. */
  owner: object | undefined
  readonly outer: SourceRun | undefined
  /** True after the run. A connection that was opened within the run keeps its context, but later requests on it are not the source's. */
  isOver: boolean
}

/** undefined until a source first runs, and on a runtime without `AsyncLocalStorage`. */
let context: AsyncContext<SourceRun> | undefined

/**
 * Runs a source. Every request that the source makes until it settles belongs to it, across every await. The surface that the source serves
 * does not handle these requests: they would wait for the token that they fetch.
 *
 * @param owner the source's owner. Surfaces that serve another owner handle the requests as usual. Default: no surface handles them.
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
 * @param owner the owner of the source to look for. Default: any owner
 */
export function isInSource(owner?: object): boolean {
  for (let run = context?.getStore(); run !== undefined; run = run.outer) {
    if (run.isOver) continue
    if (owner === undefined || run.owner === undefined || run.owner === owner) return true
  }
  return false
}
