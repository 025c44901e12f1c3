import type { LanguageModelV2CallWarning, SharedV3Warning, SharedV4Warning } from '@ai-sdk/provider'
import { isRecord } from '../../record.ts'
import type { ProviderWarning } from '../warnings.ts'

/** A warning of an AI SDK model. */
export type SdkWarning = LanguageModelV2CallWarning | SharedV3Warning | SharedV4Warning

/** The longest detail in characters: a provider may quote whole messages, which no one would read. */
const MOST_DETAILS = 500

/** Checks the type, because a model may return anything as a warning. */
export function isSdkWarning(warning: unknown): warning is SdkWarning {
  return isRecord(warning) && typeof warning['type'] === 'string'
}

/** Converts a warning of an AI SDK model into a `ProviderWarning`. */
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
