/** A part of a request or a response that was lost or changed. */
export interface ProviderWarning {
  /**
   * `unsupported`: left out. `compatibility`: replaced by something similar. `deprecated`: honoured today, but not in later versions.
   * `other`: read the details.
   */
  type: 'unsupported' | 'compatibility' | 'deprecated' | 'other'
  /** The name of a field of `ChatRequest`, of an option, or of a kind of content. */
  feature: string
  /** An explanation for people. It never contains a credential. An AI SDK provider may quote the conversation in it. */
  details?: string | undefined
}

/** Receives warnings. */
export type Report = (warning: ProviderWarning) => void

/** The number of distinct warnings that one provider prints. It drops any after that. */
const MOST_PRINTED = 200

/** Wraps a user's `onWarning`, so that an error in it cannot fail the call. */
export function guarded(onWarning: Report): Report {
  return (warning) => {
    try {
      const returned: unknown = onWarning(warning)
      if (returned instanceof Promise) returned.catch(() => {})
    } catch {
      // Ignore the error: the caller must still get the response.
    }
  }
}

/** Prints each distinct warning once, so that a repeated one does not flood the log. */
export function printedOnce(who: string): Report {
  const printed = new Set<string>()
  return ({ type, feature, details }) => {
    const words = details === undefined ? '' : ` (${details})`
    const line = `llm-refresh: ${who}: ${type} ${feature}${words}`.replaceAll(/\s+/g, ' ')
    if (printed.has(line) || printed.size >= MOST_PRINTED) return
    printed.add(line)
    console.warn(line)
  }
}

/** A report for one call. It passes each distinct warning on once, even if many blocks or parts cause it. */
export function oncePerCall(report: Report): Report {
  const told = new Set<string>()
  return (warning) => {
    const key = JSON.stringify(warning)
    if (told.has(key)) return
    told.add(key)
    report(warning)
  }
}
