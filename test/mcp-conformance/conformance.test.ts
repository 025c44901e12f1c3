import { describe, expect, test } from 'vitest'
import { TEXTS } from './requirements.ts'
import { type Outcome, Runner } from './runner.ts'
import { NOT_APPLICABLE, REVISIONS } from './scenarios.ts'

/** ms. The scenarios take seconds on an idle machine, and minutes on one that runs all tests at once. */
const LIMIT = 1_800_000

/** `npm run trial -- conformance` runs the older revisions, too. */
const revisions = process.env['REVISIONS'] === 'all' ? REVISIONS : REVISIONS.slice(-1)

const runner = await Runner.start()
const scenarios = await runner.scenarios()

/** The problems of each scenario that has some. */
function problemsIn(outcomes: ReadonlyMap<string, Outcome>): Record<string, readonly string[]> {
  const bad = [...outcomes].filter(([, { problems }]) => problems.length > 0)
  return Object.fromEntries(bad.map(([scenario, { problems }]) => [scenario, problems]))
}

function taggedWith(isOne: (tag: string) => boolean): string[] {
  return [...scenarios].filter(([, tags]) => tags.some(isOne)).map(([scenario]) => scenario)
}

describe('the scenarios of @modelcontextprotocol/conformance for clients', { timeout: LIMIT }, () => {
  test.each(revisions)(
    '[A10] given a client of revision %s, when every authorization scenario runs, then each passes',
    async (revision) => {
      const names = taggedWith((tag) => tag === revision)
      expect(names.length).toBeGreaterThanOrEqual(14)
      const outcomes = await runner.run(names, revision)
      expect(problemsIn(outcomes)).toEqual({})
      expect([...outcomes.values()].every(({ passed }) => passed > 0)).toBe(true)
    },
  )

  test('[A11] given the page on conformance, when its scenarios are read, then the runner has each of them', () => {
    const named = TEXTS.flatMap(({ requirements }) => requirements).flatMap(({ by }) =>
      typeof by === 'string' ? [] : (by.scenarios ?? []),
    )
    expect([...named, ...Object.keys(NOT_APPLICABLE)].filter((name) => !scenarios.has(name))).toEqual([])
  })

  test('[A10] given the scenarios of extensions and old revisions, when they run, then all pass, except those that are listed as not applicable', async () => {
    const isOther = (tag: string): boolean => !REVISIONS.some((revision) => revision === tag)
    const others = taggedWith(isOther).filter((name) => scenarios.get(name)?.every(isOther))
    const names = revisions === REVISIONS ? others : Object.keys(NOT_APPLICABLE)
    const outcomes = await runner.run(names)
    expect(Object.keys(problemsIn(outcomes)).toSorted()).toEqual(Object.keys(NOT_APPLICABLE).toSorted())
  })
})
