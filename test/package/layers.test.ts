import { execFile } from 'node:child_process'
import { cp, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, expect, test } from 'vitest'

const root = fileURLToPath(new URL('../..', import.meta.url))

/** Every form of an import. */
const forms: ((from: string) => string)[] = [
  (from) => `import { a } from '${from}'`,
  (from) => `import type { A } from '${from}'`,
  (from) => `import * as a from '${from}'`,
  (from) => `import '${from}'`,
  (from) => `export { a } from '${from}'`,
  (from) => `export type { A } from '${from}'`,
  (from) => `export * from '${from}'`,
  (from) => `export * as a from '${from}'`,
  (from) => `const a = await import('${from}')`,
  (from) => `export type A = import('${from}').A`,
]

const planted: readonly (readonly [what: string, file: string, imported: string, said: string])[] = [
  ['lib, the core', 'lib/planted.ts', '../core/refreshable.ts', 'is not on a lower floor'],
  ['lib, a package', 'lib/planted.ts', 'zod', 'is a package that this floor may not import'],
  ['the core, a credential', 'core/planted.ts', '../credential/token.ts', 'is not on a lower floor'],
  ['the core, node:', 'core/cell/planted.ts', 'node:fs', 'is a package that this floor may not import'],
  ['the contract, a surface', 'llm/planted.ts', '../surfaces/provider/index.ts', 'is not on a lower floor'],
  ['a credential, a store', 'credential/planted.ts', '../stores/file/index.ts', 'is not on a lower floor'],
  ['a source, a source', 'sources/planted.ts', './aws.ts', 'is a sibling'],
  ['a source, a store', 'sources/oauth/planted.ts', '../../stores/shared/lock.ts', 'is not on a lower floor'],
  ['a store, a store', 'stores/redis/planted.ts', '../postgres/table.ts', 'is a sibling'],
  ['what stores share, a store', 'stores/shared/planted.ts', '../redis/table.ts', 'is a sibling'],
  ['Redis, its driver', 'stores/redis/planted.ts', 'ioredis', 'is a package that this floor may not import'],
  ['a surface, a surface', 'surfaces/undici/planted.ts', '../fetch/call.ts', 'is a sibling'],
  ['a surface, a credential', 'surfaces/planted.ts', '../credential/pool.ts', 'is not on a lower floor'],
  ['fetch, node:', 'surfaces/fetch/planted.ts', 'node:http', 'is a package that this floor may not import'],
  ['a wing, the root entry', 'sources/planted.ts', '../index.ts', 'is not on a lower floor'],
  ['a folder without a floor', 'attic/planted.ts', '../errors.ts', 'stands on no floor'],
]

let folder: string

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'llm-refresh-layers-'))
  await cp(join(root, 'src'), join(folder, 'src'), { recursive: true })
})

afterAll(() => rm(folder, { recursive: true }))

// `npm run lint` checks src itself. This test checks that the check finds violations.
test('given planted violations, when the layer check runs, then it finds every forbidden import, circle, long file and full folder', async () => {
  const files = new Map<string, string[]>()
  const expected = [
    'a circle: lib/one.ts → lib/other.ts → lib/one.ts',
    'llm/long.ts: 261 lines, of at most 260',
    'llm/many: 17 files, of at most 16',
  ]
  for (const [, file, imported, said] of planted)
    for (const form of forms) {
      const lines = files.get(file) ?? []
      files.set(file, lines)
      lines.push(form(imported))
      expected.push(`${file}:${lines.length}: '${imported}' ${said}`)
    }
  await Promise.all([...files].map(([file, lines]) => plant(file, lines.join('\n'))))
  await plant('lib/one.ts', "import type { B } from './other.ts'\nexport type A = B")
  await plant('lib/other.ts', "import type { A } from './one.ts'\nexport type B = A")
  await plant('llm/long.ts', '\n'.repeat(260))
  const many = Array.from({ length: 17 }, (_, n) => `llm/many/${n}.ts`)
  await Promise.all(many.map((file) => plant(file, '')))
  const found = (await check()).split('\n')
  for (const line of expected) expect(found.filter((one) => one.startsWith(line))).toHaveLength(1)
}, 180_000)

async function plant(file: string, text: string): Promise<void> {
  const path = join(folder, 'src', file)
  await mkdir(dirname(path), { recursive: true })
  await writeFile(path, `${text}\n`)
}

/** The output of the check. */
function check(): Promise<string> {
  const program = ['--import', 'tsx', join(root, 'scripts/layers.ts'), join(folder, 'src')]
  return new Promise((resolve) => {
    execFile(process.execPath, program, { cwd: root }, (_, stdout, stderr) => resolve(stdout + stderr))
  })
}
