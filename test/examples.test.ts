import { spawnSync } from 'node:child_process'
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { expect, test } from 'vitest'

const root = join(import.meta.dirname, '..')

/** Declarations of the names that the examples take from the program around them. */
const SURROUNDINGS: Readonly<Record<string, string>> = {
  OpenAI: 'new (options: { apiKey: string; baseURL?: string; fetch?: typeof globalThis.fetch }) => object',
  account: "import('llm-refresh').Credential",
  authToken: 'string',
  build: "(token: unknown) => import('llm-refresh/provider').LlmProvider",
  client: "import('llm-refresh').Refresher<{ stream(prompt: string): AsyncIterable<{ type: string }> }>",
  clientId: 'string',
  connectionString: 'string',
  credential: "import('llm-refresh').Credential",
  error: 'unknown',
  fetchToken: '(options: { signal: AbortSignal }) => Promise<Token>',
  freshToken: '() => Promise<string>',
  generateText: '(options: { model: object; prompt: string }) => Promise<{ text: string }>',
  issuer: 'string',
  keys: "import('llm-refresh/stores/sealed').SealingKeys",
  login: '() => Promise<string>',
  myStore: "(options: { url: string }) => import('llm-refresh').Store",
  pool: "import('llm-refresh/stores/postgres').PostgresClient",
  prompt: 'string',
  provider: "import('llm-refresh/provider').LlmProvider",
  redis: "import('llm-refresh/stores/redis').RedisClient",
  readSecret: '(name: string) => Promise<string>',
  refresh: '() => Promise<string>',
  request: "import('llm-refresh/provider').ChatRequest",
  logger: '{ info(line: string): void }',
  myFunction: "(credential: import('llm-refresh').Credential) => Promise<unknown>",
  assert: '{ deepEqual(one: unknown, other: unknown): void }',
  cookie: 'string',
  source: "import('llm-refresh').Source",
  store: "import('llm-refresh').Store",
  scope: 'string',
  strings: "import('llm-refresh').Refresher<string>",
  token: "import('llm-refresh').Credential",
  url: 'string',
  user: '{ readonly id: string }',
}
const GLOBALS = `
type Token = { readonly value: string; readonly expiresAt: number }
declare module 'cloudflare:workers' {
  export function waitUntil(promise: Promise<unknown>): void
}
`
/** Completes an example of one option: the call that takes the option. */
const TAKERS: Readonly<Record<string, string>> = {
  'surfaces/shared/http-surface.ts': "refreshingFetch(strings, { origins: 'http://litellm:4000', ",
  'sources/shared/token-request.ts': 'oauth({ issuer, clientId, ',
}

/** Names of other packages, and of Node, that the examples use without an import. */
const OTHERS: Readonly<Record<string, string>> = {
  Agent: 'undici',
  setGlobalDispatcher: 'undici',
  Redis: 'ioredis',
  createAnthropic: '@ai-sdk/anthropic',
  createOpenAI: '@ai-sdk/openai',
  readFile: 'node:fs/promises',
}

interface Example {
  readonly file: string
  readonly code: string
}

/** Every example of every docstring. */
async function examples(): Promise<Example[]> {
  const files = (await readdir(join(root, 'src'), { recursive: true })).filter((file) => file.endsWith('.ts'))
  const found: Example[] = []
  for (const file of files) {
    const text = await readFile(join(root, 'src', file), 'utf8')
    for (const [comment] of text.matchAll(/\/\*\*(?:(?!\*\/).)*@example(?:(?!\*\/).)*\*\//gs)) {
      const lines = comment
        .replace(/\s*\*\/$/, '')
        .split('\n')
        .map((line) => line.replace(/^\s*\* ?/, ''))
      const from = lines.findIndex((line) => line.startsWith('@example'))
      const to = lines.findIndex((line, at) => at > from && line.startsWith('@'))
      const [first = '', ...rest] = lines.slice(from, to < 0 ? undefined : to)
      found.push({ file, code: [first.replace(/^@example ?/, ''), ...rest].join('\n').trim() })
    }
  }
  return found
}

const HEADINGS = /^# (llm-refresh\S*): (\w+)\n(?:export (?:declare )?(?:abstract )?)?(\w+)/gm

/** The entry of the package that exports a name. The root entry goes first. */
async function exported(): Promise<Map<string, { entry: string; isType: boolean }>> {
  const names = new Map<string, { entry: string; isType: boolean }>()
  const text = await readFile(join(root, 'api/exports.txt'), 'utf8')
  for (const [, entry = '', name = '', kind] of text.matchAll(HEADINGS)) {
    if (!names.has(name)) names.set(name, { entry, isType: kind === 'interface' || kind === 'type' })
  }
  return names
}

test('given the examples of all docstrings, when they are compiled, then they fit the published package', async () => {
  const found = await examples()
  expect(found.length).toBeGreaterThan(30)
  const names = await exported()
  // The folder is inside the package, so that the package's own name leads to its exports.
  const folder = await mkdtemp(join(root, '.examples-'))
  try {
    await writeFile(join(folder, 'globals.d.ts'), GLOBALS)
    for (const [at, { file, code }] of found.entries()) {
      const taker = TAKERS[file]
      const module = moduleOf(taker === undefined ? code : `${taker}${code} })`, names)
      await writeFile(join(folder, `${file.replaceAll(/\W/g, '-')}-${at}.ts`), module)
    }
    const options = { noUnusedLocals: false, noUnusedParameters: false }
    const config = { extends: '../tsconfig.json', include: ['*.ts'], compilerOptions: options }
    await writeFile(join(folder, 'tsconfig.json'), JSON.stringify(config))
    const tsc = join(root, 'node_modules/typescript/bin/tsc')
    const { stdout } = spawnSync(process.execPath, [tsc, '-p', folder], { encoding: 'utf8' })
    expect(stdout.replaceAll(basename(folder), '')).toBe('')
  } finally {
    await rm(folder, { recursive: true })
  }
})

/** An example as a module: it imports the names that it uses, and may declare names of the surrounding program again. */
function moduleOf(code: string, names: Awaited<ReturnType<typeof exported>>): string {
  const isImport = (line: string): boolean => line.startsWith('import ')
  const lines = code.split('\n')
  const own = lines.filter(isImport)
  const body = lines.filter((line) => !isImport(line)).join('\n')
  const imports = Object.entries(OTHERS)
    .filter(([name]) => uses(code, name) && !own.some((line) => uses(line, name)))
    .map(([name, from]) => `import { ${name} } from '${from}'`)
  if (uses(code, 'pg')) imports.push("import pg from 'pg'")
  for (const [name, { entry, isType }] of names) {
    const isDeclared = new RegExp(`\\b(?:class|const|function) ${name}\\b`).test(body)
    if (uses(code, name) && !isDeclared)
      imports.push(`import ${isType ? 'type ' : ''}{ ${name} } from '${entry}'`)
  }
  // An ellipsis stands for a part that the reader fills in.
  const filled = body.replaceAll(/\{ … \}/g, '{ throw new Error() }').replace(/ …$/gm, ' {}')
  const around = Object.entries(SURROUNDINGS)
    .filter(([name]) => uses(code, name))
    .map(([name, type]) => `declare const ${name}: ${type}`)
  return [...own, ...imports, ...around, 'export async function example() {', filled, '}'].join('\n')
}

function uses(code: string, name: string): boolean {
  return new RegExp(`(?<![.\\w'])${name}\\b(?!')`).test(code)
}
