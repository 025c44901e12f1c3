import type { ModelCapabilities } from '../llm/capabilities.ts'
import { parseSnapshot } from './parse.ts'
import { snapshot } from './snapshot.ts'

/** Names under which the AI SDK's packages offer a vendor's models, where they do not begin with its own. */
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
 * What is publicly known of a model, or undefined. The facts are a snapshot that ships with this package;
 * nothing is fetched.
 *
 * `provider` is a name as the AI SDK spells it, with or without what follows its first part: `anthropic`,
 * `anthropic.messages`, `openai.responses`, `google.generative-ai`, `google.vertex.chat`,
 * `vertex.anthropic.messages`, `amazon-bedrock`, `openrouter.chat` …
 *
 * `model` is looked up exactly; only if that fails, without one of these, which do not change the model:
 * - a date or version tag at its end: `-20250929`, `@20250929`, `-2025-09-29`, `@default`
 * - Google's leading `models/`
 * - Bedrock's leading region: `us.`, `eu.`, `apac.`, `global.` …
 *
 * The source tells of text and images only, so `input` never lists `document`: that says nothing of
 * whether the model takes one. `thinking` is `both` wherever the source does not rule out a mode.
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

/** The table of the longest part of the name, cut at its dots, that has one. */
function byProvider<T>(tables: ReadonlyMap<string, T>, provider: string): T | undefined {
  for (let end = provider.length; end > 0; end = provider.lastIndexOf('.', end - 1)) {
    const name = provider.slice(0, end)
    const table = tables.get(ALIASES.get(name) ?? name)
    if (table !== undefined) return table
  }
  return undefined
}
