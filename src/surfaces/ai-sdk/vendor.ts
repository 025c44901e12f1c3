import type { AiSdkEmbeddingModel, AiSdkLanguageModel, AiSdkVersion } from './model.ts'

type Model = AiSdkEmbeddingModel | AiSdkLanguageModel

/** The vendor whose protocol a model speaks. It decides which `providerOptions` the model reads. `other`: a vendor that is not listed. */
export type Vendor = 'anthropic' | 'openai' | 'google' | 'openai-compatible' | 'other'

/** The facts that we need to write a request for a model. */
export interface Dialect {
  readonly vendor: Vendor
  readonly version: AiSdkVersion
  readonly modelId: string
  /** True for OpenAI's Responses API, which keeps reasoning. OpenAI's chat API does not. */
  readonly responses: boolean
  /** Every version reads the first namespace. The others are aliases; each is read by some versions. */
  readonly namespaces: readonly [string, ...string[]]
}

/** Finds the vendor. `told` wins over the model's `provider`. */
export function dialectOf(model: Model, told: Vendor | undefined): Dialect {
  const vendor = told ?? vendorOf(model)
  return {
    vendor,
    version: model.specificationVersion,
    modelId: model.modelId,
    responses: vendor === 'openai' && model.provider.endsWith('.responses'),
    namespaces: namespacesOf(vendor, model),
  }
}

function vendorOf(model: Model): Vendor {
  const segments = model.provider.split('.')
  const first = segments[0] ?? ''
  // Test this first: `googleVertex.anthropic.messages` and `bedrock.anthropic.messages` speak Anthropic's protocol.
  if (segments.includes('anthropic')) return 'anthropic'
  if (first === 'openai' || first.startsWith('azure')) return 'openai'
  // Google's Interactions API takes other options, so it is not `google`.
  if (first === 'google' && !segments.includes('interactions')) return 'google'
  // Only models that are built on @ai-sdk/openai-compatible have this property.
  const property = 'doEmbed' in model ? 'providerOptionsName' : 'supportsStructuredOutputs'
  return property in model ? 'openai-compatible' : 'other'
}

function namespacesOf(vendor: Vendor, model: Model): readonly [string, ...string[]] {
  const name = model.provider.split('.')[0] ?? model.provider
  switch (vendor) {
    case 'anthropic':
      // Versions differ in the alias for Vertex. `vertex` also holds labels.
      return name.toLowerCase().includes('vertex')
        ? ['anthropic', 'googleVertex', 'vertex']
        : ['anthropic', name]
    case 'openai':
      return name.includes('azure') ? ['openai', 'azure'] : ['openai']
    case 'google':
      return model.provider.includes('vertex') ? ['google', 'googleVertex', 'vertex'] : ['google']
    case 'openai-compatible':
      return model.specificationVersion === 'v4'
        ? [camelCase(name), name, 'openaiCompatible', 'openai-compatible']
        : [name, camelCase(name), 'openaiCompatible', 'openai-compatible']
    case 'other':
      return [name, camelCase(name)]
    default:
      vendor satisfies never
      return [name]
  }
}

function camelCase(name: string): string {
  return name.replace(/[_-]([a-z])/g, (_, letter: string) => letter.toUpperCase())
}
