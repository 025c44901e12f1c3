import type { LanguageModelV2CallWarning, SharedV3Warning, SharedV4Warning } from '@ai-sdk/provider'

/** Something that a request asked for, or an answer held, and that did not get through as it was. */
export interface ProviderWarning {
  /**
   * `unsupported`: left out. `compatibility`: replaced by something near it. `deprecated`: honoured, not for
   * long. `other`: the AI SDK provider's own words are all there is.
   */
  type: 'unsupported' | 'compatibility' | 'deprecated' | 'other'
  /** What it is about: a field of `ChatRequest`, an option, or a kind of content. */
  feature: string
  /** More words, for people. Never a credential; an AI SDK provider may quote the conversation here. */
  details?: string | undefined
}

/** Tells of something that did not get through. */
export type Report = (warning: ProviderWarning) => void

/** A warning as an AI SDK model hands it out. */
export type SdkWarning = LanguageModelV2CallWarning | SharedV3Warning | SharedV4Warning

/** More than a person would read; a provider may quote whole messages. */
const MOST_DETAILS = 500

/** How many distinct warnings one provider remembers to have printed. */
const MOST_PRINTED = 200

/** The warning of an AI SDK model in this library's words. */
export function readSdkWarning(warning: SdkWarning): ProviderWarning {
  switch (warning.type) {
    case 'unsupported-setting':
      return told('unsupported', String(warning.setting), warning.details)
    case 'unsupported-tool':
      return told('unsupported', `tool ${warning.tool.name}`, warning.details)
    case 'unsupported':
    case 'compatibility':
      return told(warning.type, warning.feature, warning.details)
    case 'deprecated':
      return told('deprecated', warning.setting, warning.message)
    case 'other':
      return told('other', 'provider', warning.message)
    default:
      warning satisfies never
      return told('other', 'provider', undefined)
  }
}

function told(type: ProviderWarning['type'], feature: string, details: string | undefined): ProviderWarning {
  if (details === undefined) return { type, feature }
  const short = details.length > MOST_DETAILS ? `${details.slice(0, MOST_DETAILS)}…` : details
  return { type, feature, details: short }
}

/** The `onWarning` of a user, made safe: whatever it does, the call goes on. */
export function guarded(onWarning: Report): Report {
  return (warning) => {
    try {
      const returned: unknown = onWarning(warning)
      if (returned instanceof Promise) returned.catch(() => {})
    } catch {
      // A listener's failure is the listener's: the answer matters more.
    }
  }
}

/** Prints each distinct warning once, so that nothing is silent and nothing floods. */
export function printedOnce(who: string): Report {
  const printed = new Set<string>()
  return ({ type, feature, details }) => {
    const line = `llm-refresh: ${who}: ${type} ${feature}${details === undefined ? '' : ` (${details})`}`
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
