import { execFile } from 'node:child_process'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { clients, rows } from '../clients/table.ts'
import manifest from '../package.json' with { type: 'json' }

const root = join(import.meta.dirname, '../..')
let folder: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'table-'))
})
afterAll(() => rm(folder, { recursive: true }))

/** Runs the script on a test page. Returns its error, or an empty text. */
async function run(page: string, ...options: string[]): Promise<string> {
  const script = join(root, 'scripts/clients-table.ts')
  try {
    await promisify(execFile)(process.execPath, ['--import', 'tsx', script, page, ...options], {
      cwd: root,
    })
    return ''
  } catch (error) {
    return String(error)
  }
}

test('the table of clients is written between its marks, and a page that lacks a row is out of date', async () => {
  const page = join(folder, 'clients.md')
  await writeFile(page, 'before\n<!-- clients -->\nsomething else\n<!-- /clients -->\nafter\n')
  expect(await run(page, '--check')).toContain('out of date')
  expect(await run(page)).toBe('')
  const written = await readFile(page, 'utf8')
  expect(written).toMatch(/^before\n<!-- clients -->\n\| client \|[^]*\|\n<!-- \/clients -->\nafter\n$/)
  expect(written).not.toContain('something else')
  for (const { name } of rows) expect(written).toContain(`\n| ${name} | `)
  expect(written).toContain(`\n| OpenAI 7 | \`openai\` ${manifest.dependencies.openai} | `)
  expect(await run(page, '--check')).toBe('')
  await writeFile(page, written.replace(/\n\| OpenAI 7.*/, ''))
  expect(await run(page, '--check')).toContain('out of date')
}, 60_000)

test('a page without the marks is not changed', async () => {
  const page = join(folder, 'bare.md')
  await writeFile(page, 'nothing\n')
  expect(await run(page)).toContain('add them')
  expect(await readFile(page, 'utf8')).toBe('nothing\n')
}, 60_000)

test('the rows of a client that comes as several packages are about all that is tested of it, each thing once', () => {
  const split = clients.filter(({ parts }) => parts !== undefined)
  expect(split.length).toBeGreaterThan(2)
  for (const { parts = [], calls, streams } of split) {
    expect(parts.flatMap((part) => part.calls).toSorted()).toEqual(Object.keys(calls).toSorted())
    expect(parts.flatMap((part) => part.streams).toSorted()).toEqual(streams.toSorted())
  }
})

test('every version is pinned', () => {
  const { 'llm-refresh': _ours, ...others } = manifest.dependencies
  for (const version of Object.values(others)) expect(version).toMatch(/^(?:npm:@?[\w/-]+@)?\d+\.\d+\.\d+$/)
})
