// One file for the command: its parser and its schema are in it, and the library, the OAuth client and the drivers stay packages
// that load when they are needed. Loading each small package by itself took longer than a token takes.
import { chmodSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'

const root = fileURLToPath(new URL('..', import.meta.url))
const out = join(root, 'dist', 'llm-refresh.js')
const { version, dependencies } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))

rmSync(join(root, 'dist'), { recursive: true, force: true })
const { metafile } = await build({
  entryPoints: [join(root, 'src/main.ts')],
  absWorkingDir: root,
  outfile: out,
  bundle: true,
  format: 'esm',
  platform: 'node',
  target: 'node20.19',
  mainFields: ['module', 'main'],
  external: Object.keys(dependencies).flatMap((name) => [name, `${name}/*`]),
  define: { VERSION: JSON.stringify(version) },
  banner: {
    js: "#!/usr/bin/env node\nimport { createRequire as requireFrom } from 'node:module'\nconst require = requireFrom(import.meta.url)",
  },
  legalComments: 'none',
  minifySyntax: true,
  metafile: true,
})
chmodSync(out, 0o755)

/** What the file holds of other packages comes under their licences. */
const bundled = new Set(
  Object.keys(metafile.inputs).flatMap(
    (path) => /^(.*node_modules\/(?:@[^/]+\/)?[^/]+)\//.exec(path)?.[1] ?? [],
  ),
)
const notices = [...bundled].toSorted().map((folder) => {
  const path = join(root, folder)
  const { name, version: its, license } = JSON.parse(readFileSync(join(path, 'package.json'), 'utf8'))
  return `${name} ${its} (${license})\n\n${licenceOf(path)}`
})
writeFileSync(join(dirname(out), 'LICENSES.txt'), notices.join('\n\n'))

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
