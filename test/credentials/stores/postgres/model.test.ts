import fc from 'fast-check'
import { expect, test } from 'vitest'
import { Contestants, overtaken, steps } from '../lease-contestants.ts'
import { newTable, poolOf, tableOf, withPostgres } from './world.ts'

await withPostgres((server) => {
  test('[S2, S4] whatever three do, and whenever leases end: locks and records are as a model has them', async () => {
    const [pool, name] = [poolOf(server), await newTable(server)]
    const table = tableOf(pool, name, 3_600_000)
    const expire = (key: string): Promise<unknown> =>
      pool.query(`UPDATE ${name} SET until = clock_timestamp() WHERE key = $1 AND owner IS NOT NULL`, [key])
    let accounts = 0
    await fc.assert(
      fc.asyncProperty(steps, async (taken) => {
        const key = `account ${(accounts += 1)}`
        const contestants = new Contestants(table, key, () => expire(key))
        for (const step of taken) {
          const { actual, expected } = await contestants.run(step)
          expect(actual).toEqual(expected)
        }
      }),
      { numRuns: Number(process.env['SCHEDULES'] ?? 200), examples: [[overtaken]] },
    )
  })
})
