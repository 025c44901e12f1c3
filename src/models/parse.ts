import type { ModelCapabilities } from '../llm/capabilities.ts'

/** Reads the snapshot's text: provider → model → facts. The indentation of a line tells which of these it holds. */
export function parseSnapshot(text: string): Map<string, Map<string, ModelCapabilities>> {
  const providers = new Map<string, Map<string, ModelCapabilities>>()
  let models = new Map<string, ModelCapabilities>()
  let facts: ModelCapabilities | undefined
  for (const line of text.split('\n')) {
    if (line.startsWith('  ') && facts !== undefined) models.set(line.slice(2), facts)
    else if (line.startsWith(' ')) facts = parseFacts(line)
    else if (line !== '') {
      models = new Map<string, ModelCapabilities>()
      providers.set(line, models)
    }
  }
  return providers
}

function parseFacts(line: string): ModelCapabilities {
  const [, contextWindow, maxOutputTokens, input, thinking] = line.split(' ')
  return {
    contextWindow: Number(contextWindow),
    maxOutputTokens: Number(maxOutputTokens),
    input: input === 'text,image' ? ['text', 'image'] : ['text'],
    thinking: parseThinking(thinking),
  }
}

function parseThinking(word: string | undefined): ModelCapabilities['thinking'] {
  switch (word) {
    case 'none':
    case 'enabled':
    case 'adaptive':
      return word
    default:
      return 'both'
  }
}
