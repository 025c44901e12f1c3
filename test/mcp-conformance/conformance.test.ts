import { beforeAll, describe, expect, test } from 'vitest'
import { type Outcome, Runner } from './runner.ts'
import { NOT_APPLICABLE, REVISIONS } from './scenarios.ts'

/** Each client is a process, and a suite starts all of its own at once. */
const LIMIT = 240_000

describe('the scenarios of @modelcontextprotocol/conformance for clients', { timeout: LIMIT }, () => {
  let runner: Runner
  const seen = new Set<string>()

  beforeAll(async () => {
    runner = await Runner.start()
  }, LIMIT)

  /** What went wrong, of the scenarios that are about authorization. */
  function problemsIn(outcomes: ReadonlyMap<string, Outcome>): Record<string, readonly string[]> {
    const about = [...outcomes].filter(([scenario]) => scenario.startsWith('auth/'))
    for (const [scenario] of about) seen.add(scenario)
    return Object.fromEntries(about.filter(([, { problems }]) => problems.length > 0).map(named))
  }

  const named = ([scenario, { problems }]: [string, Outcome]): [string, readonly string[]] => [
    scenario,
    problems,
  ]

  test.each(REVISIONS)(
    '[A10] given a client of revision %s, then every authorization scenario passes',
    async (revision) => {
      const outcomes = await runner.run('auth', revision)
      expect(problemsIn(outcomes)).toEqual({})
      expect(outcomes.size).toBeGreaterThanOrEqual(14)
    },
  )

  test('[A10] given what revision 2026-07-28 adds, then every authorization scenario passes', async () => {
    const outcomes = await runner.run('draft')
    expect(problemsIn(outcomes)).toEqual({})
  })

  test('[A10] given the extensions and old revisions, then all pass but those that are listed as not applicable', async () => {
    const outcomes = new Map([...(await runner.run('extensions')), ...(await runner.run('backcompat'))])
    expect(Object.keys(problemsIn(outcomes)).toSorted()).toEqual(Object.keys(NOT_APPLICABLE).toSorted())
  })

  test('[A10] given the list of the runner, then every authorization scenario of it was run', async () => {
    const all = (await runner.clientScenarios()).filter((name) => name.startsWith('auth/'))
    expect(all.length).toBeGreaterThan(30)
    expect([...seen].toSorted()).toEqual(all.toSorted())
  })
})
