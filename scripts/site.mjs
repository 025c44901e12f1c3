// Builds the site in site/dist: the pages of docs/, the API reference from the docstrings, and each page as Markdown. A dead link ends the
// build with an error.
//   node scripts/site.mjs
import { execFileSync } from 'node:child_process'
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('..', import.meta.url))
const site = join(root, 'site')
const [pages, dist] = [join(site, 'pages'), join(site, 'dist')]

/** Files outside docs/ that the pages link to. */
const BESIDE = ['bench/RESULTS.md', 'bench/TRIALS.md', 'examples/README.md']

/** @param {string} command @param {string[]} given */
const run = (command, given) => execFileSync(command, given, { cwd: site, stdio: 'inherit' })
/** @param {string} path @param {RegExp} form @returns {string[]} */
const filesIn = (path, form) =>
  readdirSync(path, { recursive: true, encoding: 'utf8' })
    .filter((file) => form.test(file))
    .map((file) => file.replaceAll('\\', '/'))

if (!existsSync(join(site, 'node_modules'))) run('npm', ['ci', '--ignore-scripts', '--no-audit', '--no-fund'])
rmSync(pages, { recursive: true, force: true })
rmSync(dist, { recursive: true, force: true })
mkdirSync(pages)
cpSync(join(root, 'docs'), join(pages, 'docs'), { recursive: true })
for (const file of [...readdirSync(root).filter((name) => /^[A-Z]+\.md$/.test(name)), ...BESIDE]) {
  mkdirSync(dirname(join(pages, file)), { recursive: true })
  cpSync(join(root, file), join(pages, file))
}
for (const file of readdirSync(join(root, 'examples')).filter((name) => name.endsWith('.ts'))) {
  mkdirSync(join(pages, 'public', 'examples'), { recursive: true })
  cpSync(join(root, 'examples', file), join(pages, 'public', 'examples', file))
}

const { exports } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))
// The reference is made from the built types, which contain no internal declarations.
const entries = Object.values(exports).flatMap(({ types }) => types ?? [])
run('npx', ['typedoc', '--logLevel', 'Warn', ...entries.map((path) => join(root, path))])
run('npx', ['vitepress', 'build', '.'])

// The site also serves each page as Markdown.
const written = filesIn(pages, /\.md$/)
for (const file of [...written, 'llms.txt']) {
  const from = join(file === 'llms.txt' ? root : pages, file)
  mkdirSync(dirname(join(dist, file)), { recursive: true })
  cpSync(from, join(dist, file))
}
const shown = filesIn(dist, /\.html$/).filter((file) => file !== '404.html')
const twin = (file) => [file.replace(/\.html$/, '.md'), file.replace(/index\.html$/, 'README.md')]
const alone = shown.filter((file) => !twin(file).some((path) => written.includes(path)))
if (alone.length > 0 || shown.length !== written.length) {
  throw new Error(`${shown.length} pages, ${written.length} as Markdown; without: ${alone.join(', ')}`)
}
console.log(`${shown.length} pages, each as Markdown, too, in ${dist}`)
