import { spawnSync } from 'node:child_process'
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { expect, test } from 'vitest'

const root = join(import.meta.dirname, '..')

/** Every `ts` block of every page, as one module each. */
async function blocks(): Promise<[name: string, code: string][]> {
  const docs = join(root, 'docs')
  const pages = (await readdir(docs, { recursive: true })).filter((file) => file.endsWith('.md'))
  const found: [string, string][] = []
  for (const page of pages) {
    const text = await readFile(join(docs, page), 'utf8')
    for (const [, code = ''] of text.matchAll(/^```ts\n(.*?)^```$/gms)) {
      found.push([`${page.replaceAll(/\W/g, '-')}-${found.length}.ts`, `${code}\nexport {}\n`])
    }
  }
  return found
}

/**
 * Declarations of modules of other platforms, and of clients that only the examples install. The examples' tests compile the pages with the real
 * clients.
 */
const ELSEWHERE = `
declare module 'ai' {
  export function generateText(options: { model: unknown; prompt: string }): Promise<{ text: string }>
}
declare module 'openai' {
  export default class OpenAI {
    constructor(options: { apiKey: string; baseURL?: string; fetch: typeof fetch })
    readonly chat: { readonly completions: { create(request: object): Promise<unknown> } }
  }
}
declare module 'cloudflare:workers' {
  export const env: { CLIENT_SECRET: string }
  export function waitUntil(promise: Promise<unknown>): void
}
declare module '@vercel/functions' {
  export function waitUntil(promise: Promise<unknown>): void
}
`

test.each([
  ['the DOM library', {}],
  // As `npm init` and `@types/node` have it.
  ['the types of Node alone', { lib: ['es2023'] }],
])(
  'given the code on every page, when it is compiled with %s, then it fits the published package',
  async (_, more) => {
    const modules = await blocks()
    expect(modules.length).toBeGreaterThan(3)
    // The folder is inside the package, so that the package's own name leads to its exports.
    const folder = await mkdtemp(join(root, '.docs-'))
    try {
      await writeFile(join(folder, 'elsewhere.d.ts'), ELSEWHERE)
      for (const [name, code] of modules) await writeFile(join(folder, name), code)
      const options = { noUnusedLocals: false, noUnusedParameters: false, ...more }
      const config = { extends: '../tsconfig.json', include: ['*.ts'], compilerOptions: options }
      await writeFile(join(folder, 'tsconfig.json'), JSON.stringify(config))
      const tsc = join(root, 'node_modules/typescript/bin/tsc')
      const { stdout } = spawnSync(process.execPath, [tsc, '-p', folder], { encoding: 'utf8' })
      expect(stdout.replaceAll(basename(folder), '')).toBe('')
    } finally {
      await rm(folder, { recursive: true })
    }
  },
)
