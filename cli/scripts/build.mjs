// Few CommonJS files for the command: what a token needs, what reads a configuration for the first time, what the proxy needs besides, and the rest.
// Each part of them runs when it is the one that is asked for. undici has files of its own beside them, and the OAuth client and the drivers stay packages: they load when they are needed.
// Loading many small files took longer than a token takes, an ES module takes longer than this, and half of the time went into reading one large file.
import { chmodSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createRequire, isBuiltin } from 'node:module'
import { join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'

const root = fileURLToPath(new URL('..', import.meta.url))
const { version, dependencies } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))
const { peerDependencies } = JSON.parse(readFileSync(join(root, '../package.json'), 'utf8'))
const requireHere = createRequire(import.meta.url)

/** Packages that stay packages: those of the command line, and those of the sources that a configuration may name. */
const packages = Object.keys({ ...dependencies, ...peerDependencies }).filter((name) => name !== 'undici')

/** Modules of Node's that take long to load, and that many a command never calls. */
const HEAVY = [
  'child_process',
  'crypto',
  'http',
  'https',
  'http2',
  'net',
  'tls',
  'readline',
  'zlib',
  'url',
  'dns',
]

/** They load when something of them is first used. */
const lazily = {
  name: 'lazily',
  setup({ onLoad, onResolve }) {
    onResolve({ filter: new RegExp(`^(?:node:)?(?:${HEAVY.join('|')})$`) }, ({ path, namespace }) =>
      namespace === 'lazily' ? { path, external: true } : { path, namespace: 'lazily' },
    )
    onLoad({ filter: /./, namespace: 'lazily' }, ({ path }) => ({
      contents: Object.keys(requireHere(path))
        .map((name) => part(name, `require('${path}').${name}`))
        .join('\n'),
    }))
  },
}

/**
 * undici's index runs all of it, and half of what the start of a proxy took went there. Its pool alone is a file for itself; its version is pinned
 * exactly, so that it is where it is.
 */
const undici = {
  name: 'undici',
  setup({ onLoad, onResolve }) {
    onResolve({ filter: /^undici$/ }, () => ({ path: 'undici', namespace: 'parts' }))
    onLoad({ filter: /./, namespace: 'parts' }, () => ({
      contents: [
        part('Pool', "require('./undici-pool.cjs').Pool"),
        part('Agent', "require('./undici.cjs').Agent"),
        part('EnvHttpProxyAgent', "require('./undici.cjs').EnvHttpProxyAgent"),
        part('fetch', "require('./undici.cjs').fetch"),
      ].join('\n'),
      resolveDir: root,
    }))
    onResolve({ filter: /undici[\w-]*\.cjs$/ }, ({ path }) => ({ path, external: true }))
    // HTTP/2 is off, and Node's takes long to load.
    onResolve({ filter: /client-h2/ }, ({ path, namespace, resolveDir }) =>
      namespace === 'file' ? { path: join(resolveDir, path), namespace: 'h2' } : undefined,
    )
    onLoad({ filter: /./, namespace: 'h2' }, ({ path }) => ({
      contents: `module.exports = (...given) => require(${JSON.stringify(path)})(...given)`,
      resolveDir: root,
    }))
  },
}

/** The files, each with what it holds of all that is imported when it is needed; the last one holds everything else. A file may use those before it. */
const FILES = [
  {
    name: 'command',
    // Not only what reads configurations needs it.
    also: ['src/config/presets.ts'],
    holds: /(?:\/commands\/token|\/lib\/library)\.ts$/,
  },
  { name: 'config', holds: /^\.\/parse\.ts$/ },
  { name: 'proxy', holds: /^(?:\.\/commands\/(?:proxy|run|key)\.ts|llm-refresh\/proxy)$/ },
  { name: 'rest', holds: /./ },
]

/** A module stands in the first file that needs it. What the others ask of a file is known once all have been built, so they are built twice. */
async function commandFiles() {
  /** Modules of each file that others ask for. */
  const asked = FILES.map(({ also = [] }) => new Set(also.map((path) => join(root, path))))
  /** Module → the file that it stands in. */
  const homes = new Map()
  for (const at of FILES.keys()) {
    const inputs = await commandFile(at, homes, asked, false)
    for (const path of inputs) if (!homes.has(path)) homes.set(path, at)
  }
  for (const at of FILES.keys()) await commandFile(at, homes, asked, true)
}

async function commandFile(at, homes, asked, write) {
  const { name } = FILES[at]
  const elsewhere = {
    name: 'elsewhere',
    setup({ onLoad, onResolve, resolve: find }) {
      onResolve({ filter: /./ }, async (given) => {
        const { path, kind, namespace, pluginData, ...from } = given
        if (namespace !== 'file' || pluginData === 'found' || isOfOthers(path)) return undefined
        const found = await find(path, { kind, namespace, ...from, pluginData: 'found' })
        if (found.external || found.errors.length > 0) return undefined
        const isLate = kind === 'dynamic-import'
        const late = isLate ? FILES.findIndex(({ holds }) => holds.test(path)) : at
        // An entry of the library would be asked for as a whole: each file has its own, of what it uses.
        const isEntry = path.startsWith('llm-refresh')
        const known = isEntry ? undefined : homes.get(found.path)
        const home = isLate ? Math.max(known ?? late, isEntry ? at : 0) : Math.min(known ?? at, at)
        return home === at ? undefined : { path: found.path, namespace: `file${home}`, sideEffects: false }
      })
      for (const [home, { name: its }] of FILES.entries()) {
        onLoad({ filter: /./, namespace: `file${home}` }, ({ path }) => {
          asked[home].add(path)
          return { contents: `module.exports = require('./${its}.cjs').parts[${idOf(path)}]()` }
        })
        onResolve({ filter: /./, namespace: `file${home}` }, ({ path }) => ({ path, external: true }))
      }
    },
  }
  const parts = [...asked[at]].map((path) => `${idOf(path)}: () => require(${JSON.stringify(path)})`)
  const isFirst = at === 0
  const main = isFirst ? `import ${JSON.stringify(join(root, 'src/main.ts'))}\n` : ''
  const contents = `${main}export const parts = {\n${parts.join(',\n')}\n}`
  const { outputs } = await bundle(name, { stdin: { contents, resolveDir: root } }, [elsewhere], write)
  const inputs = Object.entries(Object.values(outputs)[0]?.inputs ?? {})
  return inputs.filter(([, { bytesInOutput }]) => bytesInOutput > 0).map(([path]) => resolve(root, path))
}

/** What stands in no file of these: packages, what Node has, and what has a file for itself. */
function isOfOthers(path) {
  return (
    isBuiltin(path) ||
    /undici[\w-]*(?:\.cjs)?$/.test(path) ||
    packages.some((name) => path === name || path.startsWith(`${name}/`))
  )
}

const ids = new Map()

function idOf(path) {
  if (!ids.has(path)) ids.set(path, ids.size)
  return ids.get(path)
}

rmSync(join(root, 'dist'), { recursive: true, force: true })
const bundled = new Set()
await commandFiles()
// The first file of all prints a token that is as it was, and loads the others if there is none.
await bundle('llm-refresh', {
  entryPoints: [join(root, 'src/bin.ts')],
  banner: { js: '#!/usr/bin/env node' },
  footer: { js: "if(!module.exports.isPrinted)require('./command.cjs');" },
})
chmodSync(join(root, 'dist', 'llm-refresh.cjs'), 0o755)
const pool = part('Pool', "require('undici/lib/dispatcher/pool.js')")
await bundle('undici-pool', { stdin: { contents: pool, resolveDir: root } })
await bundle('undici', {
  stdin: { contents: "module.exports = require('undici/index.js')", resolveDir: root },
})

/** What the files hold of other packages comes under their licences. */
const notices = [...bundled]
  .toSorted((one, other) => (one < other ? -1 : 1))
  .map((path) => {
    const { name, version: its, license } = JSON.parse(readFileSync(join(path, 'package.json'), 'utf8'))
    return `${name} ${its} (${license})\n\n${licenceOf(path)}`
  })
writeFileSync(join(root, 'dist', 'LICENSES.txt'), notices.join('\n\n'))

function licenceOf(path) {
  for (const name of ['LICENSE', 'LICENSE.md', 'LICENSE.txt']) {
    try {
      return readFileSync(join(path, name), 'utf8')
    } catch {
      // the next name
    }
  }
  throw new Error(`${path} holds no licence to pass on`)
}

/** A name of a CommonJS module whose value is found when it is first asked for. */
function part(name, found) {
  return `Object.defineProperty(exports, '${name}', { enumerable: true, get: () => ${found} })`
}

async function bundle(name, entry, plugins = [], write = true) {
  const outfile = join(root, 'dist', `${name}.cjs`)
  const { metafile } = await build({
    ...entry,
    absWorkingDir: root,
    outfile,
    bundle: true,
    format: 'cjs',
    platform: 'node',
    target: 'node20.19',
    mainFields: ['module', 'main'],
    external: packages.flatMap((each) => [each, `${each}/*`]),
    plugins: [undici, lazily, ...plugins],
    write,
    define: { VERSION: JSON.stringify(version) },
    legalComments: 'none',
    // Node reads and compiles every line of it at every start. With whole lines an error does not print all of the file.
    minifySyntax: true,
    minifyWhitespace: true,
    lineLimit: 160,
    metafile: true,
  })
  if (!write) return metafile
  for (const path of Object.keys(metafile.inputs)) {
    const [, folder] = /^(?:\w+:)?(.*node_modules\/(?:@[^/]+\/)?[^/]+)\//.exec(path) ?? []
    if (folder !== undefined) bundled.add(resolve(root, folder))
  }
  // Node reads a file of ASCII in half the time. What else there is stands in regular expressions and strings.
  const ascii = readFileSync(outfile, 'utf8').replaceAll(
    /[^\0-\x7f]/g,
    (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`,
  )
  writeFileSync(outfile, ascii)
  return metafile
}
