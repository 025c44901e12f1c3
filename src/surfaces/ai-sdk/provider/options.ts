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

/** Options for a vendor, by the namespaces that the AI SDK documents: `{ anthropic: { … } }`. */
export type ProviderOptions = Record<string, Record<string, unknown>>

/** Options of {@link languageModelProvider}. */
export interface LanguageModelProviderOptions {
  /**
   * The known facts about the model. Without them, only the vendor can refuse an impossible request.
   * @default none
   */
  capabilities?: ModelCapabilities | undefined
  /**
   * The thinking of a request that names none.
   * @default none
   */
  thinking?: ThinkingConfig | undefined
  /**
   * Options for the vendor that go with every request, in the AI SDK's namespaces. The request's own options win.
   * @default none
   */
  providerOptions?: ProviderOptions | undefined
  /**
   * The vendor whose protocol the model speaks. Set it if the model has a name of its own, for instance one made with
   * `createAnthropic({ name: 'my-proxy' })`.
   * @default read from the model's `provider`
   */
  vendor?: Vendor | undefined
  /**
   * Receives a warning for everything that was lost or changed: a field of a request that the vendor cannot honour, a kind of content that
   * `ContentBlock` cannot hold, and the AI SDK's own warnings. An error that the callback throws is ignored.
   * @default prints each distinct warning once, with `console.warn`
   */
  onWarning?: ((warning: ProviderWarning) => void) | undefined
  /**
   * The model that the provider's `embed` asks, of this vendor or another. Without it the provider has no `embed`.
   * @default none
   */
  embeddingModel?: AiSdkEmbeddingModel | undefined
  /**
   * Options for the vendor that go with every `embed`, in the AI SDK's namespaces.
   * @default none
   */
  embeddingProviderOptions?: ProviderOptions | undefined
  /**
   * The provider's `listModels`, because AI SDK models cannot list models. Ask the vendor with the credential of this model, and throw the
   * vendor's refusal. Without it the provider has no `listModels`.
   * @default none
   */
  listModels?: ((options?: CallOptions) => Promise<ModelInfo[]>) | undefined
  /**
   * The provider's `probe`: a request that costs nothing, and throws if the vendor cannot be reached. Without it the provider has no
   * `probe`.
   * @default none
   */
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
 * Checks that the model reads the namespaces of the given options: it would ignore any other in silence. For a known vendor another
 * namespace is an error. For any other vendor it is only a warning, because we cannot be sure.
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
