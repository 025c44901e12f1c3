import { execFile } from 'node:child_process'
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { z } from 'zod'

const root = fileURLToPath(new URL('../..', import.meta.url))

interface Layer {
  may: string[]
  mayNot: string[]
}

const packages = ['zod', '@ai-sdk/provider', 'node:fs', 'fs']

/** File → what it may import, and what the linter refuses there. */
const layers: Record<string, Layer> = {
  'src/index.ts': {
    may: [
      './core/a.ts',
      './llm/a.ts',
      './http/a.ts',
      './credentials/a.ts',
      './credentials/stores/memory.ts',
      './surfaces/fetch.ts',
    ],
    mayNot: [
      ...packages,
      './surfaces/ai-sdk.ts',
      './surfaces/ai-sdk/a.ts',
      './credentials/stores/redis.ts',
      './credentials/sources/oauth.ts',
      './models/index.ts',
      './testing/index.ts',
      './proxy/index.ts',
      './cli/main.ts',
    ],
  },
  'src/core/planted.ts': {
    may: ['./a.ts', './sub/a.ts'],
    mayNot: [
      ...packages,
      '../llm/a.ts',
      '../http/a.ts',
      '../credentials/a.ts',
      '../surfaces/a.ts',
      '../models/a.ts',
      '../index.ts',
    ],
  },
  'src/llm/planted.ts': {
    may: ['./a.ts', '../core/a.ts'],
    mayNot: [
      ...packages,
      '../http/a.ts',
      '../credentials/a.ts',
      '../surfaces/a.ts',
      '../models/index.ts',
      '../index.ts',
    ],
  },
  'src/http/planted.ts': {
    may: ['./a.ts', '../core/a.ts'],
    mayNot: [...packages, '../llm/a.ts', '../credentials/a.ts', '../surfaces/a.ts', '../index.ts'],
  },
  'src/models/planted.ts': {
    may: ['./a.ts'],
    mayNot: [...packages, '../core/a.ts', '../credentials/a.ts', '../lm/a.ts', '../llms/a.ts', '../index.ts'],
  },
  'src/credentials/planted.ts': {
    may: ['./a.ts', '../core/a.ts'],
    mayNot: [
      ...packages,
      './sources/a.ts',
      './stores/a.ts',
      '../llm/a.ts',
      '../surfaces/a.ts',
      '../index.ts',
    ],
  },
  'src/credentials/sources/planted.ts': {
    may: ['../a.ts', '../../core/a.ts', ...packages],
    mayNot: [
      './a.ts',
      './a/b.ts',
      '../stores/a.ts',
      '../../llm/a.ts',
      '../../surfaces/a.ts',
      '../../index.ts',
    ],
  },
  'src/credentials/sources/oauth/planted.ts': {
    may: ['./a.ts', '../../a.ts', '../../../core/a.ts', ...packages],
    mayNot: ['../a.ts', '../b/a.ts', '../../stores/a.ts', '../../../llm/a.ts', '../../../index.ts'],
  },
  'src/credentials/stores/planted.ts': {
    may: ['../a.ts', '../../core/a.ts', ...packages],
    mayNot: [
      './a.ts',
      './a/b.ts',
      '../sources/a.ts',
      '../../llm/a.ts',
      '../../surfaces/a.ts',
      '../../index.ts',
    ],
  },
  'src/credentials/stores/postgres.ts': {
    may: ['./postgres/a.ts', '../a.ts', '../../core/a.ts', ...packages],
    mayNot: ['./a.ts', './file/a.ts', '../sources/a.ts', '../../llm/a.ts', '../../index.ts'],
  },
  'src/credentials/stores/memory.ts': {
    may: ['../a.ts', '../../core/a.ts'],
    mayNot: [...packages, './a.ts', '../sources/a.ts', '../../llm/a.ts'],
  },
  'src/credentials/stores/sealed.ts': {
    may: ['./sealed/a.ts', '../a.ts', '../../core/a.ts', ...packages],
    mayNot: ['./a.ts', './file.ts', './file/a.ts', '../sources/a.ts', '../../llm/a.ts', '../../index.ts'],
  },
  'src/credentials/stores/sealed/planted.ts': {
    may: ['./a.ts', '../../a.ts', '../../../core/a.ts', ...packages],
    mayNot: ['../a.ts', '../file/a.ts', '../../sources/a.ts', '../../../llm/a.ts', '../../../index.ts'],
  },
  'src/surfaces/planted.ts': {
    may: ['../core/a.ts', '../llm/a.ts', '../http/a.ts', '../credentials/a.ts', ...packages],
    mayNot: [
      './a.ts',
      './ai-sdk/a.ts',
      '../credentials/stores/a.ts',
      '../credentials/sources/a.ts',
      '../models/index.ts',
      '../proxy/a.ts',
      '../index.ts',
    ],
  },
  'src/credentials/stores/redis.ts': {
    may: ['./redis/a.ts', '../a.ts', '../../core/a.ts', ...packages],
    mayNot: ['./a.ts', './file/a.ts', '../sources/a.ts', '../../surfaces/a.ts', '../../index.ts'],
  },
  'src/surfaces/ai-sdk.ts': {
    may: ['./ai-sdk/a.ts', '../core/a.ts', '../llm/a.ts', '../http/a.ts', '../credentials/a.ts', ...packages],
    mayNot: ['./a.ts', './ai-sdk-other/a.ts', './a/b.ts', '../models/index.ts', '../index.ts'],
  },
  'src/surfaces/undici.ts': {
    may: ['./undici/a.ts', '../core/a.ts', '../http/a.ts', '../credentials/a.ts', ...packages],
    mayNot: ['./a.ts', './fetch.ts', './fetch/a.ts', '../models/index.ts', '../index.ts'],
  },
  'src/surfaces/ai-sdk/planted.ts': {
    may: [
      './a.ts',
      '../../core/a.ts',
      '../../llm/a.ts',
      '../../http/a.ts',
      '../../credentials/a.ts',
      ...packages,
    ],
    mayNot: ['../a.ts', '../b/a.ts', '../ai-sdk.ts', '../../credentials/stores/a.ts', '../../index.ts'],
  },
  'src/surfaces/fetch.ts': {
    may: ['./fetch/a.ts', '../core/a.ts', '../llm/a.ts', '../http/a.ts', '../credentials/a.ts'],
    mayNot: [...packages, './a.ts', './provider.ts', './ai-sdk/a.ts', '../index.ts'],
  },
  'src/surfaces/fetch/planted.ts': {
    may: ['./a.ts', '../../core/a.ts', '../../http/a.ts', '../../credentials/a.ts'],
    mayNot: [...packages, '../a.ts', '../ai-sdk/a.ts', '../../index.ts'],
  },
  'src/surfaces/provider.ts': {
    may: ['../core/a.ts', '../llm/a.ts', '../http/a.ts', '../credentials/a.ts'],
    mayNot: [...packages, './a.ts', './fetch/a.ts', '../index.ts'],
  },
  'src/proxy/planted.ts': {
    may: ['./a.ts', '../core/a.ts', '../http/a.ts', '../surfaces/a.ts', '../credentials/a.ts', ...packages],
    mayNot: ['../llm/a.ts', '../models/index.ts', '../credentials/stores/a.ts', '../cli/a.ts', '../index.ts'],
  },
  'src/testing/planted.ts': {
    may: ['./a.ts', '../core/a.ts', '../credentials/a.ts', ...packages],
    mayNot: ['../llm/a.ts', '../surfaces/a.ts', '../proxy/a.ts', '../cli/a.ts', '../index.ts'],
  },
  'src/cli/planted.ts': {
    may: [
      './a.ts',
      '../index.ts',
      '../proxy/a.ts',
      '../credentials/stores/a.ts',
      '../models/a.ts',
      ...packages,
    ],
    mayNot: [],
  },
}

/** Every way to write an import. */
const forms: ((specifier: string, name: string) => string)[] = [
  (from, name) => `import { ${name} } from '${from}'`,
  (from, name) => `import type { ${name} } from '${from}'`,
  (from, name) => `import * as ${name} from '${from}'`,
  (from, name) => `export { ${name} } from '${from}'`,
  (from, name) => `export type { ${name} } from '${from}'`,
  (from, name) => `export * as ${name} from '${from}'`,
  (from) => `export * from '${from}'`,
  (from, name) => `const ${name} = await import('${from}')`,
]

/** A file with each import in each form, one a line. */
function allForms(specifiers: string[]): string[] {
  return specifiers.flatMap((specifier) => forms.map((write) => write(specifier, `name${(serial += 1)}`)))
}
let serial = 0

const Report = z.object({
  diagnostics: z.array(
    z.object({
      code: z.string(),
      filename: z.string(),
      labels: z.array(z.object({ span: z.object({ line: z.number() }) })),
    }),
  ),
})
const Config = z.looseObject({ options: z.record(z.string(), z.unknown()) })

let folder: string
let findings: { rule: string; at: string }[]

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'layers-'))
  // Types are not what is tested here, and the planted files have none.
  const { options: _, ...config } = Config.parse(
    JSON.parse(await readFile(join(root, '.oxlintrc.json'), 'utf8')),
  )
  await plant('.oxlintrc.json', JSON.stringify(config))
  for (const [file, { may, mayNot }] of Object.entries(layers)) {
    await plant(file, [...allForms(mayNot), ...allForms(may)].join('\n'))
  }
  await plant('src/models/types.ts', "import type { A } from '../llm/a.ts'\nexport type { A }")
  await plant('src/models/values.ts', "import { a } from '../llm/a.ts'\nexport { a }")
  await plant('src/models/type-position.ts', "export type A = import('../core/a.ts').A")
  await plant(
    'src/core/globals.ts',
    'process.exit(0)\nBuffer.from("")\nrequire("x")\nexport const a = __dirname',
  )
  findings = await lint()
})

afterAll(() => rm(folder, { recursive: true }))

test.each(Object.entries(layers))('%s imports what its layer may, however it is written', (file, layer) => {
  const lines = [...layer.mayNot, ...layer.may].flatMap((specifier) => forms.map(() => specifier))
  const refused = at(file, 'no-restricted-imports').map((line) => lines[line - 1])
  expect(refused).toEqual(lines.slice(0, layer.mayNot.length * forms.length))
})

test('models takes types from llm, and no values', () => {
  expect(at('src/models/types.ts', 'no-restricted-imports')).toEqual([])
  expect(at('src/models/values.ts', 'no-restricted-imports')).toEqual([1])
})

test('a type cannot be fetched past the layers by writing import() in its place', () => {
  expect(at('src/models/type-position.ts', 'consistent-type-imports')).toEqual([1])
})

test('what the root entry reaches uses no global of one runtime', () => {
  expect(at('src/core/globals.ts', 'no-restricted-globals')).toEqual([1, 2, 3, 4])
})

test('every folder of src has a layer', async () => {
  const entries = await readdir(join(root, 'src'), { withFileTypes: true })
  const folders = entries.filter((entry) => entry.isDirectory()).map((entry) => entry.name)
  const known = new Set(Object.keys(layers).map((file) => file.split('/')[1]))
  expect(folders.filter((name) => !known.has(name))).toEqual([])
})

function at(file: string, rule: string): number[] {
  const prefix = `${file}:`
  const found = findings.filter((finding) => finding.rule === rule && finding.at.startsWith(prefix))
  const lines = new Set(found.map((finding) => Number(finding.at.slice(prefix.length))))
  return [...lines].toSorted((a, b) => a - b)
}

async function plant(file: string, text: string): Promise<void> {
  const path = join(folder, file)
  await mkdir(dirname(path), { recursive: true })
  await writeFile(path, `${text}\n`)
}

async function lint(): Promise<{ rule: string; at: string }[]> {
  const oxlint = join(root, 'node_modules/oxlint/bin/oxlint')
  const output = await new Promise<string>((resolve) => {
    execFile(
      process.execPath,
      [oxlint, '--format', 'json'],
      { cwd: folder, maxBuffer: 2 ** 26 },
      (_, stdout) => resolve(stdout),
    )
  })
  return Report.parse(JSON.parse(output)).diagnostics.map(({ code, filename, labels }) => ({
    rule: /\((.+)\)/.exec(code)?.[1] ?? code,
    at: `${filename}:${labels[0]?.span.line}`,
  }))
}
