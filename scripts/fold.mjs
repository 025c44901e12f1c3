// Folds what tsc has built into one file per entry and what entries share. Node takes about a millisecond for each
// module that it loads: importing the root entry as two dozen of them took 25 ms, as two files it takes 3.
import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'

const root = fileURLToPath(new URL('..', import.meta.url))
/** The folder that tsc has written. */
const dist = process.argv[2] ?? join(root, 'dist')

const { exports } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))
const entries = Object.values(exports).flatMap((target) => target.default ?? [])

/** Where tsc has put an entry. */
const built = (entry) => join(dist, relative('dist', entry))
const index = built('dist/index.js')
/** The models are facts, and share nothing. */
const sharing = new Set(
  entries.map(built).filter((path) => path !== index && path !== built('dist/models/index.js')),
)

/**
 * What an entry shares with the root entry is one file: were it split by who else uses it, importing the root would load a dozen. A bare import
 * that nothing needs is what tells esbuild that all of the root's modules go together.
 */
const together = {
  name: 'together',
  setup({ onLoad, onResolve }) {
    // The package says that no file has side effects: this import has to stay all the same.
    onResolve({ filter: /./ }, ({ path }) => (path === index ? { path, sideEffects: true } : undefined))
    onLoad({ filter: /\.js$/ }, ({ path }) => {
      if (!sharing.has(path)) return undefined
      return { contents: `${readFileSync(path, 'utf8')}\nimport ${JSON.stringify(index)}`, loader: 'js' }
    })
  },
}

const { metafile } = await build({
  entryPoints: entries.map(built),
  absWorkingDir: dist,
  outdir: dist,
  outbase: dist,
  allowOverwrite: true,
  bundle: true,
  splitting: true,
  chunkNames: 'shared-[hash]',
  format: 'esm',
  platform: 'neutral',
  packages: 'external',
  external: ['node:*'],
  target: 'es2023',
  minifySyntax: true,
  plugins: [together],
  metafile: true,
})
for (const file of readdirSync(dist, { recursive: true })) {
  if (!file.endsWith('.js')) continue
  const path = join(dist, file)
  if (file in metafile.outputs) writeFileSync(path, withNames(readFileSync(path, 'utf8')))
  else rmSync(path)
}

/**
 * A class that names itself is folded to `var Name = class _Name`: consoles and error trackers would show the second name. Within the
 * class its own name means the same.
 */
function withNames(code) {
  let named = code
  for (const [, name] of code.matchAll(/\b(\w+) = class _\1\b/g)) {
    named = named.replaceAll(new RegExp(`\\b_${name}\\b`, 'g'), name)
  }
  return named
}
