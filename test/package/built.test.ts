import { execFile } from 'node:child_process'
import { copyFile, cp, mkdtemp, readFile, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { gzipSync } from 'node:zlib'
import { build, type BuildOptions, type BuildResult } from 'esbuild'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { z } from 'zod'
import manifest from '../../package.json' with { type: 'json' }

const run = promisify(execFile)
const root = fileURLToPath(new URL('../..', import.meta.url))

/** Globals that only some runtimes have. */
const RUNTIME_GLOBALS = ['process', 'Buffer', 'require', '__dirname', '__filename', 'global', 'setImmediate']

/** The entries that promise to run anywhere. */
const NEUTRAL = [
  'index.js',
  'models/index.js',
  'surfaces/provider/index.js',
  'surfaces/ai-sdk/index.js',
  'stores/postgres/index.js',
  'stores/redis/index.js',
]

/** The entries of all sources and stores. */
const SOURCES_AND_STORES = targets().flatMap(
  (path) => /^\.\/dist\/((?:sources|stores)\/.+\.js)$/.exec(path)?.[1] ?? [],
)

/** A folder with the package as npm would publish it. No other package is installed there. */
let folder: string

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'built-'))
  await cp(join(root, 'dist'), join(folder, 'dist'), { recursive: true })
  await copyFile(join(root, 'package.json'), join(folder, 'package.json'))
}, 60_000)

afterAll(() => rm(folder, { recursive: true, force: true }))

test.each(targets())(
  'given the entry %s, when the package is built, then its file is not empty',
  async (target) => {
    expect((await stat(join(folder, target))).size).toBeGreaterThan(0)
  },
)

test.each(NEUTRAL)(
  'given the entry %s, when it is bundled, then it imports no package and no node: module',
  async (entry) => {
    const { metafile } = await bundle(entry)
    const outside = Object.values(metafile.inputs).flatMap((input) =>
      input.imports.filter((found) => found.external),
    )
    expect(outside.map(({ path, kind }) => `${kind} ${path}`)).toEqual([])
  },
)

test('given the types of each portable entry, source and store, when they are compiled, then they need no package', async () => {
  const types = [...NEUTRAL, ...SOURCES_AND_STORES].map((entry) =>
    join(folder, 'dist', entry.replace(/\.js$/, '.d.ts')),
  )
  const options = ['--noEmit', '--listFiles', '--types', '', '--lib', 'es2023,dom', '--ignoreConfig']
  const { stdout } = await run(process.execPath, [tool('typescript/bin/tsc'), ...options, ...types])
  const files = stdout.trim().split('\n')
  for (const each of types) expect(files).toContain(each)
  const isLib = (file: string): boolean => /\/lib\.[\w.]+\.d\.ts$/.test(file)
  expect(files.filter((file) => !file.startsWith(folder) && !isLib(file))).toEqual([])
})

test.each([...NEUTRAL, 'stores/sealed/index.js', 'sources/mcp/index.js'])(
  'given the entry %s, when it is bundled, then it uses no global of a single runtime',
  async (entry) => {
    const names = RUNTIME_GLOBALS.flatMap((name) => [name, `globalThis.${name}`])
    const define = Object.fromEntries(names.map((name) => [name, 'RUNTIME_GLOBAL']))
    const { outputFiles } = await bundle(entry, { define, minify: false })
    expect(outputFiles[0]?.text.split('\n').filter((line) => line.includes('RUNTIME_GLOBAL'))).toEqual([])
  },
)

test.each([
  [
    'oauth',
    'oauth4webapi',
    "{ tokenEndpoint: 'https://a.example/token', clientId: 'c', clientSecret: 's', grant: 'client_credentials' }",
  ],
  [
    'mcp',
    'oauth4webapi',
    "'https://127.0.0.1:1/mcp', { issuer: 'https://127.0.0.1:1', clientId: 'c', grant: { type: 'refresh_token', refreshToken: 'r' }, fetch: async () => Response.json({ issuer: 'https://127.0.0.1:1', token_endpoint: 'https://127.0.0.1:1/token' }) }",
  ],
  ['google', 'google-auth-library', '{}'],
  ['azure', '@azure/identity', '{}'],
  ['aws', '@aws/bedrock-token-generator', "{ region: 'us-east-1' }"],
])(
  'given the source %s without its package %s, when a token is requested, then the error says how to install it',
  async (name, peer, options) => {
    // The folder of this package has no other packages.
    const script = `
    const { ${name} } = await import(process.argv[1])
    const source = ${name}(${options})
    await source.issue({ signal: new AbortController().signal }).catch(({ code, message }) => console.log(code, message))`
    const entry = join(
      folder,
      SOURCES_AND_STORES.includes(`sources/${name}.js`)
        ? `dist/sources/${name}.js`
        : `dist/sources/${name}/index.js`,
    )
    const { stdout } = await run(process.execPath, ['--input-type=module', '-e', script, entry], {
      cwd: folder,
    })
    expect(stdout).toContain('invalid_option')
    expect(stdout).toContain(`npm install ${peer}`)
  },
)

test('given sealedStore() without jose, when it writes, then the error says how to install jose', async () => {
  const script = `
    const { sealedStore } = await import(process.argv[1])
    const { memoryStore } = await import(process.argv[2])
    const store = sealedStore(memoryStore(), [{ id: 'one', secret: new Uint8Array(32) }])
    const change = () => console.log('asked')
    await store.update('me', change).catch(({ code, message }) => console.log(code, message))`
  const entries = ['stores/sealed/index.js', 'index.js'].map((entry) => join(folder, 'dist', entry))
  const { stdout } = await run(process.execPath, ['--input-type=module', '-e', script, ...entries], {
    cwd: folder,
  })
  expect(stdout).toMatch(/^invalid_option .*npm install jose/u)
  expect(stdout).not.toContain('asked')
})

test('given a process, when it imports the root entry, then no global, handle or timer is added', async () => {
  // Active requests belong to the module loader. A handle or a timer would belong to the library.
  const script = `
    const handles = () => process.getActiveResourcesInfo().filter((name) => !name.endsWith('Req'))
    const look = () => ({ globals: Reflect.ownKeys(globalThis).map(String), handles: handles() })
    const before = look()
    await import(process.argv[1])
    console.log(JSON.stringify([before, look()]))`
  const entry = join(folder, 'dist/index.js')
  const { stdout, stderr } = await run(process.execPath, ['--input-type=module', '-e', script, entry], {
    timeout: 10_000,
  })
  const [before, after] = z.tuple([z.unknown(), z.unknown()]).parse(JSON.parse(stdout))
  expect(after).toEqual(before)
  expect(stderr).toBe('')
})

/** Names of the root entry → the most bytes that importing them may add, minified and gzipped. */
test.each([
  ['{ Refreshable }', 8.4 * 1024],
  ['{ Refreshable, refreshingFetch }', 25.8 * 1024],
  ['{ createCredential }', 24.3 * 1024],
  ['*', 44 * 1024],
])('given %s of the root entry, when it is bundled, then it weighs at most %d bytes', async (names, most) => {
  const { outputFiles } = await bundle('index.js', {
    entryPoints: [],
    stdin: { contents: `export ${names} from './index.js'`, resolveDir: join(folder, 'dist') },
  })
  expect(gzipSync(outputFiles[0]?.contents ?? '').length).toBeLessThanOrEqual(most)
})

/** Matches the pages of the published package. */
const PAGES =
  /^(?:docs\/.+\.md|examples\/(?:[\w-]+\.ts|README\.md)|bench\/(?:RESULTS|TRIALS)\.md|llms\.txt|[A-Z]+\.md)$/

describe('given the published package, when its files are listed', () => {
  let paths: readonly string[]
  let size: number

  beforeAll(async () => {
    const { stdout } = await run('npm', ['pack', '--dry-run', '--json', '--ignore-scripts'], { cwd: root })
    const [pack] = z
      .tuple([z.object({ files: z.array(z.object({ path: z.string(), size: z.number() })) })])
      .parse(JSON.parse(stdout))
    paths = pack.files.map(({ path }) => path)
    const pages = pack.files.filter(({ path }) => PAGES.test(path))
    const texts = await Promise.all(pages.map(({ path }) => readFile(join(root, path))))
    size = gzipSync(Buffer.concat(texts)).length
  }, 60_000)

  test('then they are dist, the pages, and the files that npm always adds', () => {
    expect(paths).toContain('dist/index.js')
    const others = paths.filter((path) => !path.startsWith('dist/') && !PAGES.test(path))
    expect(others.toSorted()).toEqual(['LICENSE', 'package.json'])
    expect(paths.filter((path) => !/\.(?:js|d\.ts)$/.test(path) && path.startsWith('dist/'))).toEqual([])
  })

  test('then the pages weigh less than 200 KB', () => {
    expect(size).toBeGreaterThan(50_000)
    expect(size).toBeLessThan(200_000)
  })

  test('then every link of a page leads to one of them', async () => {
    const broken: string[] = []
    let links = 0
    for (const page of paths.filter((path) =>
      /^(?:README|docs\/.+|examples\/README)\.md$|^llms\.txt$/.test(path),
    )) {
      const text = (await readFile(join(root, page), 'utf8')).replaceAll(/^```.*?^```$/gms, '')
      for (const [, link = ''] of text.matchAll(/\]\(([^)\s#]+)[^)\s]*\)/g)) {
        if (/^https?:/.test(link)) continue
        links++
        if (!paths.includes(join(page, '..', link))) broken.push(`${page}: ${link}`)
      }
    }
    expect(links).toBeGreaterThan(200)
    expect(broken).toEqual([])
  })
})

function targets(): string[] {
  return Object.values(manifest.exports).flatMap((target) =>
    typeof target === 'string' ? target : Object.values(target),
  )
}

function tool(path: string): string {
  return join(root, 'node_modules', path)
}

interface Bundled extends BuildOptions {
  metafile: true
  write: false
}

function bundle(entry: string, options: BuildOptions = {}): Promise<BuildResult<Bundled>> {
  const entryPoints = [join(folder, 'dist', entry)]
  return build({
    entryPoints,
    bundle: true,
    format: 'esm',
    platform: 'neutral',
    packages: 'external',
    external: ['node:*'],
    minify: true,
    ...options,
    metafile: true,
    write: false,
  })
}
