import { execFile } from 'node:child_process'
import { existsSync, statSync } from 'node:fs'
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'

const run = promisify(execFile)
const root = join(import.meta.dirname, '..')

async function page(name: string): Promise<string> {
  return readFile(join(root, name), 'utf8')
}

/** The codes that a union of the source lists. */
async function namesIn(file: string, pattern: RegExp): Promise<string[]> {
  return [...(await page(file)).matchAll(pattern)].map(([, name = '']) => name)
}

// `npm run package` compares the other generated pages.
test('[E1] given the source, when a script checks it, then docs/messages.md is complete', async () => {
  const tsx = join(root, 'node_modules/tsx/dist/cli.mjs')
  const args = [tsx, join(root, 'scripts/messages.ts'), '--check']
  await expect(run(process.execPath, args)).resolves.toEqual({ stdout: '', stderr: '' })
})

test('[E1] given the source, when the page of errors is read, then it has a section for every code', async () => {
  const codes = await namesIn('src/errors.ts', /^ {2}\| '(\w+)'$/gm)
  expect(codes.length).toBeGreaterThan(15)
  const sections = await namesIn('docs/errors.md', /^### `(\w+)`$/gm)
  expect(sections.toSorted()).toEqual(codes.toSorted())
})

test('given the source, when the page of events is read, then it has every event and every finding', async () => {
  const events = await namesIn('src/core/events.ts', /readonly type: '(\w+)'/g)
  expect(events.length).toBeGreaterThan(15)
  const text = await page('docs/events.md')
  expect(events.filter((type) => !text.includes(`| \`${type}\` |`))).toEqual([])
  const files = await readdir(join(root, 'src'), { recursive: true })
  const sources = await Promise.all(
    files.filter((file) => file.endsWith('.ts')).map((file) => page(`src/${file}`)),
  )
  const findings = sources.flatMap((source) =>
    [...source.matchAll(/\bcode: '(\w+)',\s+level: '/g)].map(([, code = '']) => code),
  )
  expect(findings.length).toBeGreaterThan(4)
  expect(findings.filter((code) => !text.includes(`| \`${code}\` |`))).toEqual([])
})

test('given the results of the bench, when the page of costs is read, then each of its figures is one of them', async () => {
  const results = await page('bench/RESULTS.md')
  const rows = (await page('docs/cost.md')).split('\n').filter((line) => line.startsWith('| '))
  const figures = rows.flatMap((row) => row.match(/\b\d+(?:\.\d+)? (?:×|µs|ns|ms|KiB|bytes)/g) ?? [])
  expect(figures.length).toBeGreaterThan(10)
  expect(figures.filter((figure) => !results.includes(figure))).toEqual([])
})

test('given the links between the pages, when they are followed, then each leads to a page or a heading', async () => {
  const docs = (await readdir(join(root, 'docs'), { recursive: true })).filter((file) => file.endsWith('.md'))
  const pages = [
    'README.md',
    'ARCHITECTURE.md',
    'SECURITY.md',
    'CONTRIBUTING.md',
    'CHANGELOG.md',
    'AGENTS.md',
    'llms.txt',
    ...docs.map((file) => `docs/${file}`),
  ]
  const broken: string[] = []
  for (const name of pages) {
    const text = (await page(name)).replaceAll(/^```.*?^```$/gms, '')
    for (const [, link = ''] of text.matchAll(/\]\(([^)\s]+)\)/g)) {
      if (/^https?:/.test(link)) continue
      const [path = '', anchor] = link.split('#')
      const target = path === '' ? name : join(name, '..', path)
      const isFolder = existsSync(join(root, target)) && statSync(join(root, target)).isDirectory()
      const found = isFolder ? '' : await page(target).catch(() => undefined)
      if (found === undefined || (anchor !== undefined && !anchors(found).includes(anchor)))
        broken.push(`${name}: ${link}`)
    }
  }
  expect(broken).toEqual([])
})

test('given the workflows, when they are read, then each action is pinned by its commit, and none grants a permission to all jobs', async () => {
  const folder = '.github/workflows'
  const files = await readdir(join(root, folder))
  expect(files.length).toBeGreaterThan(1)
  for (const file of files) {
    const text = await page(`${folder}/${file}`)
    expect(text).toMatch(/^permissions: \{\}$/m)
    const actions = [...text.matchAll(/\buses: (\S+)/g)].map(([, action]) => action)
    expect(actions.filter((action) => !/@[0-9a-f]{40}$/.test(action ?? ''))).toEqual([])
  }
})

/** The anchors of a page's headings, as GitHub makes them. */
function anchors(text: string): string[] {
  return [...text.matchAll(/^#+ (.*)$/gm)].map(([, title = '']) =>
    title
      .toLowerCase()
      .replaceAll(/[^\p{L}\p{N}\s_-]/gu, '')
      .replaceAll(' ', '-'),
  )
}
