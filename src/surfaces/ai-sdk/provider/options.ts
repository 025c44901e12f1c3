import {
  aFunction,
  among,
  anything,
  checkedOptions,
  describe,
  mustBe,
  optionError,
  type OptionTable,
} from '../../../lib/options.ts'
import type { ModelCapabilities, ModelInfo } from '../../../llm/capabilities.ts'
import type { CallOptions, ThinkingConfig } from '../../../llm/request.ts'
import type { AiSdkEmbeddingModel } from '../model.ts'
import { isRecord } from '../record.ts'
import type { Dialect, Vendor } from '../vendor.ts'
import type { ProviderWarning, Report } from './warnings.ts'

/** Options for a vendor, by namespace, as the AI SDK documents them: `{ anthropic: { … } }`. */
export type ProviderOptions = Record<string, Record<string, unknown>>

/** Options of a model's use as a provider. */
export interface LanguageModelProviderOptions {
  /** The known facts about the model. Default: none; then only the vendor can refuse an impossible request. */
  capabilities?: ModelCapabilities | undefined
  /** The thinking that applies when a request names none. Default: none is asked for. */
  thinking?: ThinkingConfig | undefined
  /**
   * Options for the vendor that go with every request, in the AI SDK's namespaces. A request's own options win. Default: none.
   */
  providerOptions?: ProviderOptions | undefined
  /**
   * The vendor whose protocol the model speaks. Default: read from the model's `provider`. Set it if the model has a name of its own, for
   * instance one made with `createAnthropic({ name: 'my-proxy' })`.
   */
  vendor?: Vendor | undefined
  /**
   * Called with everything that did not get through: a field of a request that the vendor cannot honour, a kind of content that
   * `ContentBlock` cannot hold, and the AI SDK's own warnings. An error that it throws is ignored.
   * Default: each distinct warning is printed once, with `console.warn`.
   */
  onWarning?: ((warning: ProviderWarning) => void) | undefined
  /** The model that the provider's `embed` asks, of this vendor or another. Default: none, and the provider has no `embed`. */
  embeddingModel?: AiSdkEmbeddingModel | undefined
  /** Options for the vendor that go with every `embed`, in the AI SDK's namespaces. Default: none. */
  embeddingProviderOptions?: ProviderOptions | undefined
  /**
   * The provider's `listModels`, because AI SDK models list none: ask the vendor with the credential of this model, and throw its refusal.
   * Default: the provider has none.
   */
  listModels?: ((options?: CallOptions) => Promise<ModelInfo[]>) | undefined
  /** The provider's `probe`: a request that costs nothing, and throws if the vendor cannot be reached. Default: the provider has none. */
  probe?: ((options?: CallOptions) => Promise<void>) | undefined
}

const VENDORS: Record<Vendor, true> = {
  anthropic: true,
  openai: true,
  google: true,
  'openai-compatible': true,
  other: true,
}

const anObject = mustBe('an object', isRecord)

const OPTIONS = {
  capabilities: anObject,
  thinking: anObject,
  providerOptions: anObject,
  vendor: among(Object.keys(VENDORS)),
  onWarning: aFunction,
  embeddingModel: anything,
  embeddingProviderOptions: anObject,
  listModels: aFunction,
  probe: aFunction,
} satisfies OptionTable<LanguageModelProviderOptions>

/** @throws RefreshError `invalid_option` that names the option and the allowed values */
export function assertOptions(options: LanguageModelProviderOptions): void {
  checkedOptions(options, OPTIONS)
  for (const name of ['providerOptions', 'embeddingProviderOptions'] as const) {
    for (const [namespace, value] of Object.entries(options[name] ?? {})) {
      if (isRecord(value)) continue
      throw optionError(
        `${name}.${namespace}`,
        `must be an object of a vendor's options, not ${describe(value)}`,
      )
    }
  }
  if (options.embeddingProviderOptions !== undefined && options.embeddingModel === undefined)
    throw optionError(
      'embeddingProviderOptions',
      "does nothing without the option 'embeddingModel': give both",
    )
}

/**
 * Options in a namespace that the model does not read would be lost in silence. With a vendor that is known
 * that is an error; with any other it can only be suspected.
 *
 * @throws RefreshError `invalid_option`
 */
export function checkNamespaces(
  name: 'providerOptions' | 'embeddingProviderOptions',
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
        feature: `${name}.${namespace}`,
        details: `passed on, but this model is only known to read ${read.join(', ')}`,
      })
      continue
    }
    throw optionError(
      `${name}.${namespace}`,
      `is not read by ${dialect.modelId}, which reads ${read.join(', ')}: use those`,
    )
  }
}
