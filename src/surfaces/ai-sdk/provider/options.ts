import { RefreshError } from '../../../errors.ts'
import { checkOptions, describe } from '../../../lib/options.ts'
import type { ModelCapabilities } from '../../../llm/capabilities.ts'
import type { ThinkingConfig } from '../../../llm/request.ts'
import { isRecord } from '../record.ts'
import type { Dialect, Vendor } from '../vendor.ts'
import type { ProviderWarning, Report } from './warnings.ts'

/** Options for a vendor, by namespace, as the AI SDK documents them: `{ anthropic: { … } }`. */
export type ProviderOptions = Record<string, Record<string, unknown>>

/** How a model is to be used as a provider. */
export interface LanguageModelProviderOptions {
  /** What is known of the model. Default: nothing; then only the vendor can refuse what it cannot do. */
  capabilities?: ModelCapabilities | undefined
  /** The thinking that applies when a request names none. Default: none is asked for. */
  thinking?: ThinkingConfig | undefined
  /**
   * Options for the vendor that go with every request, in the AI SDK's namespaces. Where a request says
   * something itself, the request wins. Default: none.
   */
  providerOptions?: ProviderOptions | undefined
  /**
   * Whose protocol the model speaks. Default: told from the model's `provider`. Say it where a model goes by
   * a name of its own, for instance one made with `createAnthropic({ name: 'my-proxy' })`.
   */
  vendor?: Vendor | undefined
  /**
   * Told of whatever did not get through: a field of a request that the vendor cannot honour, a kind of
   * content that `ContentBlock` cannot hold, and the AI SDK's own warnings. What it throws is ignored.
   * Default: each distinct warning is printed once, with `console.warn`.
   */
  onWarning?: ((warning: ProviderWarning) => void) | undefined
}

// Written as data, and checked against the type, so that the message below can name them all.
const KNOWN: Record<keyof LanguageModelProviderOptions, true> = {
  capabilities: true,
  thinking: true,
  providerOptions: true,
  vendor: true,
  onWarning: true,
}

const VENDORS: Record<Vendor, true> = {
  anthropic: true,
  openai: true,
  google: true,
  'openai-compatible': true,
  other: true,
}

/** @throws RefreshError `invalid_option` that names the option and what would do */
export function assertOptions(options: LanguageModelProviderOptions): void {
  checkOptions(options, Object.keys(KNOWN))
  const { vendor, onWarning } = options
  for (const [name, value] of Object.entries({
    capabilities: options.capabilities,
    thinking: options.thinking,
    providerOptions: options.providerOptions,
  })) {
    if (value !== undefined && !isRecord(value))
      throw invalid(name, `must be an object, not ${describe(value)}`)
  }
  if (onWarning !== undefined && typeof onWarning !== 'function') {
    throw invalid('onWarning', `must be a function, not ${describe(onWarning)}`)
  }
  if (vendor !== undefined && !Object.hasOwn(VENDORS, vendor)) {
    throw invalid('vendor', `must be one of ${Object.keys(VENDORS).join(', ')}`)
  }
  for (const [namespace, value] of Object.entries(options.providerOptions ?? {})) {
    if (isRecord(value)) continue
    throw invalid(
      `providerOptions.${namespace}`,
      `must be an object of a vendor's options, not ${describe(value)}`,
    )
  }
}

/**
 * Options in a namespace that the model does not read would be lost in silence. With a vendor that is known
 * that is an error; with any other it can only be suspected.
 *
 * @throws RefreshError `invalid_option`
 */
export function checkNamespaces(
  providerOptions: ProviderOptions | undefined,
  dialect: Dialect,
  report: Report,
): void {
  const read = [...new Set(dialect.namespaces)]
  for (const namespace of Object.keys(providerOptions ?? {})) {
    if (read.includes(namespace)) continue
    if (dialect.vendor === 'other') {
      report({
        type: 'other',
        feature: `providerOptions.${namespace}`,
        details: `passed on, but this model is only known to read ${read.join(', ')}`,
      })
      continue
    }
    throw invalid(
      `providerOptions.${namespace}`,
      `is not read by ${dialect.modelId}, which reads ${read.join(', ')}`,
    )
  }
}

function invalid(name: string, problem: string): RefreshError {
  return new RefreshError('invalid_option', `The option '${name}' ${problem}.`)
}
