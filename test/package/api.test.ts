import { spawnSync } from 'node:child_process'
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { temporaryFolder } from '../support/folder.ts'

const root = fileURLToPath(new URL('../..', import.meta.url))

/** Makes a built package of the given declarations, with the entries `index` and `other`. Returns the output of `npm run api` on it. */
async function checked(files: Record<string, string>): Promise<{ said: string[]; snapshot: string }> {
  const folder = await temporaryFolder()
  const all = {
    'package.json': JSON.stringify({
      name: 'planted',
      type: 'module',
      exports: { '.': { types: './dist/index.d.ts' }, './other': { types: './dist/other.d.ts' } },
    }),
    'dist/other.d.ts': 'export declare const other: number\n',
    ...files,
  }
  for (const [name, text] of Object.entries(all)) {
    await mkdir(dirname(join(folder, name)), { recursive: true })
    await writeFile(join(folder, name), text)
  }
  const tsx = join(root, 'node_modules/tsx/dist/cli.mjs')
  const { stderr } = spawnSync(process.execPath, [tsx, join(root, 'scripts/api.ts'), folder], {
    encoding: 'utf8',
  })
  const snapshot = await readFile(join(folder, 'api/exports.txt'), 'utf8').catch(() => '')
  return { said: stderr.split('\n').filter((line) => line.includes('(')), snapshot }
}

/** A module whose types no entry exports. */
const hidden = (name: string): string => `
export interface ${name} { readonly deeper: Deeper${name} }
export interface Deeper${name} { readonly text: string }
export declare const mark${name}: unique symbol
`

/** The ways in which an export can name a type `H`. */
const ways: readonly (readonly [way: string, text: string])[] = [
  ['a parameter', 'export declare function byParameter(hidden: H): void'],
  ['a response', 'export declare function byResponse(): Promise<readonly H[]>'],
  ['a base', 'export interface ByBase extends H { readonly more: string }'],
  ['a bound', 'export declare function byBound<T extends H>(value: T): T'],
  ['a member of a class', 'export declare class ByMember { hidden: H | undefined }'],
  ['an alias', 'export type ByAlias = Partial<H>'],
  ['a member of it', "export type ByDeeper = H['deeper'][]"],
  ['an object', 'export interface ByObject { readonly one: { two(): [H] } }'],
  ['an import within', "export type ByImport = import('./h.js').H"],
]

test('given exports that name types in every way, when no entry exports such a type, then the check fails and names it', async () => {
  const files: Record<string, string> = {}
  let index = ''
  const expected: string[] = []
  for (const [at, [, text]] of ways.entries()) {
    const name = `Hidden${at}`
    files[`dist/hidden${at}.d.ts`] = hidden(name)
    index += `import type { ${name} } from './hidden${at}.js'\n`
    index += `${text.replaceAll(/\bH\b/g, name).replace('h.js', `hidden${at}.js`)}\n`
    expected.push(name, `Deeper${name}`)
  }
  files['dist/hidden.d.ts'] = hidden('Unnamed')
  index += "import { markUnnamed } from './hidden.js'\nexport interface ByName { [markUnnamed]?: boolean }\n"
  index += 'export interface Alike { readonly one: string }\n'
  const other = 'export interface Alike { readonly other: string }\n'
  const { said, snapshot } = await checked({ ...files, 'dist/index.d.ts': index, 'dist/other.d.ts': other })
  const meant = 'another entry exports something else under this name'
  expect(said).toHaveLength(expected.length + 3)
  expect(new Set(said.map((line) => line.split(' ')[0]))).toEqual(
    new Set([...expected, 'markUnnamed', 'Alike']),
  )
  expect(said).toContain('Hidden0 (hidden0.d.ts): byParameter leads to it, and no entry exports it')
  expect(said).toContain('DeeperHidden0 (hidden0.d.ts): Hidden0 leads to it, and no entry exports it')
  expect(said).toContain('markUnnamed (hidden.d.ts): ByName leads to it, and no entry exports it')
  expect(said).toContain(`Alike (index.d.ts): ${meant}`)
  expect(said).toContain(`Alike (other.d.ts): ${meant}`)
  expect(snapshot).toBe('')
}, 60_000)

test('given types that another entry exports, private members, local names and names of the platform, when the check runs, then it finds no error', async () => {
  const { said, snapshot } = await checked({
    'dist/hidden.d.ts': hidden('Hidden'),
    'dist/other.d.ts': "export type { Hidden, DeeperHidden as Depth } from './hidden.js'\n",
    'dist/index.d.ts': `
import type { Hidden } from './hidden.js'
export declare class Open<T> {
  #hidden
  private readonly secret
  constructor(hidden: Hidden)
  each<DeeperHidden>(deeper: DeeperHidden, signal: AbortSignal): Map<T, DeeperHidden>
}
`,
  })
  expect(said).toEqual([])
  expect(snapshot).toContain('# planted/other: Depth\nexport interface DeeperHidden')
}, 60_000)
