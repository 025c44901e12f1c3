import type { SourceContext } from '../../src/index.ts'

/** How a source is asked, that has no token yet. */
export const CONTEXT: SourceContext = {
  current: undefined,
  challenge: undefined,
  signal: new AbortController().signal,
  sent: () => undefined,
}
