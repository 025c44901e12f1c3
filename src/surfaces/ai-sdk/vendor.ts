import type { AiSdkEmbeddingModel, AiSdkLanguageModel, AiSdkVersion } from './model.ts'

type Model = AiSdkEmbeddingModel | AiSdkLanguageModel

/** The vendor whose protocol a model speaks, so whose `providerOptions` it reads. `other`: any not listed. */
export type Vendor = 'anthropic' | 'openai' | 'google' | 'openai-compatible' | 'other'

/** The facts needed to speak to a model. */
export interface Dialect {
  readonly vendor: Vendor
  readonly version: AiSdkVersion
  readonly modelId: string
  /** OpenAI's Responses API, which keeps reasoning; its chat API has none. */
  readonly responses: boolean
  /** The first is always read; the others are aliases, each read by some versions. */
  readonly namespaces: readonly [string, ...string[]]
}

/** Tells the vendor from the model's `provider`, unless the caller knows better. */
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
  // Before the others: `googleVertex.anthropic.messages` and `bedrock.anthropic.messages` are Anthropic's protocol.
  if (segments.includes('anthropic')) return 'anthropic'
  if (first === 'openai' || first.startsWith('azure')) return 'openai'
  // The Interactions API takes other options.
  if (first === 'google' && !segments.includes('interactions')) return 'google'
  // A property of every model that is built on @ai-sdk/openai-compatible, and of no other.
  const property = 'doEmbed' in model ? 'providerOptionsName' : 'supportsStructuredOutputs'
  return property in model ? 'openai-compatible' : 'other'
}

function namespacesOf(vendor: Vendor, model: Model): readonly [string, ...string[]] {
  const name = model.provider.split('.')[0] ?? model.provider
  switch (vendor) {
    case 'anthropic':
      // The alias of Vertex changed between versions; `vertex` also holds labels.
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
