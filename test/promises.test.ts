import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { promises } from './promises.ts'

const here = import.meta.dirname

/** The ids in the names of tests: `test('[C1, C3] …'`. */
function citedIds(): Set<string> {
  const cited = new Set<string>()
  const shown = [here, join(here, '../examples/test')].flatMap((folder) =>
    readdirSync(folder, { recursive: true, encoding: 'utf8' }).map((file) => join(folder, file)),
  )
  for (const file of shown) {
    if (!file.endsWith('.test.ts')) continue
    const source = readFileSync(file, 'utf8')
    for (const [, ids = ''] of source.matchAll(
      /\b(?:test|it)(?:\.each\([^)]*\))?\(\s*[`'"]\[([A-Z]\d[^\]]*)\]/g,
    )) {
      for (const id of ids.split(/,\s*/)) cited.add(id)
    }
  }
  return cited
}

test("given the promises, when the tests' names are read, then a test cites each promise, unless it is planned", () => {
  const cited = citedIds()
  const silent = Object.entries(promises).filter(
    ([id, { planned }]) => planned === undefined && !cited.has(id),
  )
  expect(silent.map(([id]) => id)).toEqual([])
})

test("given the tests' names, when their citations are read, then each cited promise exists", () => {
  expect([...citedIds()].filter((id) => !(id in promises))).toEqual([])
})

test("given the planned promises, when the tests' names are read, then no test cites one", () => {
  const cited = citedIds()
  expect([...cited].filter((id) => promises[id]?.planned !== undefined)).toEqual([])
})
