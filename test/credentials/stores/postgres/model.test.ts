import { expect, test } from 'vitest'
import { followsModel } from '../lease-contestants.ts'
import { newTable, poolOf, tableOf, withPostgres } from './world.ts'

await withPostgres((server) => {
  test('[S2, S4] whatever three do, and whenever leases end: locks and records are as a model has them', async () => {
    const [pool, name] = [poolOf(server), await newTable(server)]
    const table = tableOf(pool, name, 3_600_000)
    const expire = (key: string): Promise<unknown> =>
      pool.query(`UPDATE ${name} SET until = clock_timestamp() WHERE key = $1 AND owner IS NOT NULL`, [key])
    await expect(followsModel(table, expire, 200)).resolves.toBeUndefined()
  })
})
