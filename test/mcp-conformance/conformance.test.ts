import { describe, expect, test } from 'vitest'
import { TEXTS } from './requirements.ts'
import { type Outcome, Runner } from './runner.ts'
import { NOT_APPLICABLE, REVISIONS } from './scenarios.ts'

/** Each suite starts a process for each of its scenarios, all at once. */
const LIMIT = 600_000

const runner = await Runner.start()
const listed = await runner.scenarios()
const seen = new Set<string>()

/** What went wrong, by scenario. */
function problemsIn(outcomes: ReadonlyMap<string, Outcome>): Record<string, readonly string[]> {
  for (const scenario of outcomes.keys()) seen.add(scenario)
  const bad = [...outcomes].filter(([, { problems }]) => problems.length > 0)
  return Object.fromEntries(bad.map(([scenario, { problems }]) => [scenario, problems]))
}

describe('the scenarios of @modelcontextprotocol/conformance for clients', { timeout: LIMIT }, () => {
  test.each(REVISIONS)(
    '[A10] given a client of revision %s, then every authorization scenario passes',
    async (revision) => {
      const outcomes = await runner.run('auth', revision)
      expect(problemsIn(outcomes)).toEqual({})
      expect(outcomes.size).toBeGreaterThanOrEqual(14)
      expect([...outcomes.values()].every(({ passed }) => passed > 0)).toBe(true)
    },
  )

  test('[A10] given what revision 2026-07-28 adds, then every authorization scenario passes', async () => {
    const outcomes = await runner.run('draft')
    expect(problemsIn(outcomes)).toEqual({})
    expect(outcomes.size).toBeGreaterThanOrEqual(11)
  })

  test('[A10] given the extensions and the old revisions, then all pass but those that are listed as not applicable', async () => {
    const outcomes = new Map([...(await runner.run('extensions')), ...(await runner.run('backcompat'))])
    expect(Object.keys(problemsIn(outcomes)).toSorted()).toEqual(Object.keys(NOT_APPLICABLE).toSorted())
  })

  test('[A10] given the list of the runner, then every authorization scenario was run', () => {
    expect([...seen].toSorted()).toEqual(listed.toSorted())
  })

  test('[A11] given the page on conformance, then each scenario that it names is one of the runner', () => {
    const named = TEXTS.flatMap(({ requirements }) => requirements).flatMap(({ by }) =>
      typeof by === 'string' ? [] : (by.scenarios ?? []),
    )
    const all = new Set(listed)
    expect([...named, ...Object.keys(NOT_APPLICABLE)].filter((name) => !all.has(name))).toEqual([])
  })
})
