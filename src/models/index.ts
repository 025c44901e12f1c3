import type { ModelCapabilities } from '../llm/capabilities.ts'
import { parseSnapshot } from './parse.ts'
import { snapshot } from './snapshot.ts'

/** AI SDK packages whose names do not begin with the vendor's own, and the vendor whose models they offer. */
const ALIASES: ReadonlyMap<string, string> = new Map([
  ['azure-openai', 'azure'],
  ['bedrock', 'amazon-bedrock'],
  ['google.vertex', 'google-vertex'],
  ['googleVertex', 'google-vertex'],
  ['googleVertex.anthropic', 'anthropic'],
  ['vertex.anthropic', 'anthropic'],
])

const PREFIX = /^(?:models\/|(?:us-gov|us|eu|apac|jp|au|ca|in|global)\.)/
const SUFFIX = /(?:[-@]20\d{6}|-20\d\d-\d\d-\d\d|@default)$/

let parsed: ReadonlyMap<string, ReadonlyMap<string, ModelCapabilities>> | undefined

/**
 * The public facts about a model; undefined if the snapshot does not have it. The snapshot ships with this package, and the function
 * fetches nothing.
 *
 * `provider` is the AI SDK's name for the provider, whole or only its first part: `anthropic`, `anthropic.messages`, `openai.responses`,
 * `google.generative-ai`, `google.vertex.chat`, `vertex.anthropic.messages`, `amazon-bedrock`, `openrouter.chat` …
 *
 * `model` is looked up as it is. If the snapshot does not have it, it is looked up without these parts, which do not change the model:
 * - a date or version tag at its end: `-20250929`, `@20250929`, `-2025-09-29`, `@default`
 * - Google's leading `models/`
 * - Bedrock's leading region: `us.`, `eu.`, `apac.`, `global.` …
 *
 * The snapshot's source knows only text and images. So `input` never lists `document`, even if the model takes documents. `thinking` is
 * `both` unless the source excludes a mode.
 *
 * @example
 * modelCapabilities('anthropic', 'claude-sonnet-4-5')?.contextWindow // 200000
 */
export function modelCapabilities(provider: string, model: string): ModelCapabilities | undefined {
  parsed ??= parseSnapshot(snapshot)
  const models = byProvider(parsed, provider)
  if (models === undefined) return undefined
  const bare = model.replace(PREFIX, '')
  const facts = models.get(model) ?? models.get(bare) ?? models.get(bare.replace(SUFFIX, ''))
  return facts && { ...facts, input: [...facts.input] }
}

/** Finds a provider's table: by its whole name, then by ever shorter parts of the name, cut at its dots. */
function byProvider<T>(tables: ReadonlyMap<string, T>, provider: string): T | undefined {
  for (let end = provider.length; end > 0; end = provider.lastIndexOf('.', end - 1)) {
    const name = provider.slice(0, end)
    const table = tables.get(ALIASES.get(name) ?? name)
    if (table !== undefined) return table
  }
  return undefined
}
