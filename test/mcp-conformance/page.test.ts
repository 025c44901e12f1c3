import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { promises } from '../promises.ts'
import { type Shown, TEXTS } from './requirements.ts'
import { NOT_APPLICABLE } from './scenarios.ts'

const tests = join(import.meta.dirname, '..')
const requirements = TEXTS.flatMap((text) => text.requirements)
const shown = requirements.flatMap(({ must, by }): [string, Shown][] =>
  typeof by === 'string' ? [] : [[must, by]],
)

/** The source of all tests, as one text. */
function sources(): string {
  const files = readdirSync(tests, { recursive: true, encoding: 'utf8' })
  const own = files.filter((file) => file.endsWith('.test.ts'))
  return own.map((file) => readFileSync(join(tests, file), 'utf8')).join('\n')
}

test('[A11] given the page on conformance, when its promises are read, then each exists, and each row names one', () => {
  const unknown = shown.flatMap(([, { promises: ids }]) => ids.filter((id) => !(id in promises)))
  expect(unknown).toEqual([])
  expect(shown.filter(([, { promises: ids }]) => ids.length === 0)).toEqual([])
})

test('[A11] given the page on conformance, when its tests are read, then each exists, and cites a promise of its row', () => {
  const all = sources()
  const gone: string[] = []
  for (const [must, by] of shown) {
    for (const title of by.tests ?? []) {
      const isThere = [`'${title}'`, `"${title}"`].some((quoted) => all.includes(quoted))
      const [, cited = ''] = /^\[([^\]]*)\]/.exec(title) ?? []
      const isBeside = cited.split(', ').some((id) => by.promises.includes(id))
      if (!isThere || !isBeside) gone.push(`${must} ← ${title}`)
    }
  }
  expect(gone).toEqual([])
})

test('[A11] given the page on conformance, when its rows are read, then each applicable one names a test, a scenario or a note', () => {
  const bare = shown.filter(
    ([, { tests: titles = [], scenarios = [], note }]) =>
      titles.length + scenarios.length === 0 && note === undefined,
  )
  expect(bare).toEqual([])
  const skipped = shown.flatMap(([, { scenarios = [] }]) =>
    scenarios.filter((name) => name in NOT_APPLICABLE),
  )
  expect(skipped).toEqual([])
})
