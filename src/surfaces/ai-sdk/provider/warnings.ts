/** A part of a request or a response that did not get through unchanged. */
export interface ProviderWarning {
  /**
   * `unsupported`: left out. `compatibility`: replaced by something near it. `deprecated`: honoured, but not
   * for long. `other`: read the details.
   */
  type: 'unsupported' | 'compatibility' | 'deprecated' | 'other'
  /** The subject: a field of `ChatRequest`, an option, or a kind of content. */
  feature: string
  /** More words, for people. Never a credential; an AI SDK provider may quote the conversation here. */
  details?: string | undefined
}

/** Tells of something that did not get through. */
export type Report = (warning: ProviderWarning) => void

/** The number of distinct warnings that one provider remembers as printed. */
const MOST_PRINTED = 200

/** The `onWarning` of a user, made safe: whatever it does, the call goes on. */
export function guarded(onWarning: Report): Report {
  return (warning) => {
    try {
      const returned: unknown = onWarning(warning)
      if (returned instanceof Promise) returned.catch(() => {})
    } catch {
      // A failing listener must not cost the caller its response.
    }
  }
}

/** Prints each distinct warning once, so that nothing is silent and nothing floods. */
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

/** A report for one call: the same warning is passed on once, however many blocks or parts cause it. */
export function oncePerCall(report: Report): Report {
  const told = new Set<string>()
  return (warning) => {
    const key = JSON.stringify(warning)
    if (told.has(key)) return
    told.add(key)
    report(warning)
  }
}
