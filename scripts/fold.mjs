// Folds the output of tsc into one file for each entry, and files that the entries share. Node takes about a millisecond to load a module:
// importing the root entry took 25 ms as two dozen modules.
import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'

const root = fileURLToPath(new URL('..', import.meta.url))
/** The output folder of tsc. */
const dist = process.argv[2] ?? join(root, 'dist')

const { exports } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))
const entries = Object.values(exports).flatMap((target) => target.default ?? [])

/** The path of an entry in the output folder. */
const built = (entry) => join(dist, relative('dist', entry))
const index = built('dist/index.js')
/** The entries that share code with the root entry. The models hold only data, and share nothing. */
const sharing = new Set(
  entries.map(built).filter((path) => path !== index && path !== built('dist/models/index.js')),
)

/**
 * Puts the code that the entries share with the root entry into one file. esbuild would split it by its users, and importing the root would load
 * a dozen files. So each other entry gets an unused import of the root entry: then all of them use all modules of the root.
 */
const together = {
  name: 'together',
  setup({ onLoad, onResolve }) {
    // package.json says that no file has side effects, so esbuild would drop the unused import. This keeps it.
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
 * Renames `_Name` to `Name`. esbuild writes a class that refers to itself as `var Name = class _Name`, and consoles and error trackers would
 * show the second name. Both names refer to the same class inside it.
 */
function withNames(code) {
  let named = code
  for (const [, name] of code.matchAll(/\b(\w+) = class _\1\b/g)) {
    named = named.replaceAll(new RegExp(`\\b_${name}\\b`, 'g'), name)
  }
  return named
}
