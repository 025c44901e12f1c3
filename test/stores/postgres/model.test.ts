import { expect, test } from 'vitest'
import { type Events, followsModel, LONGEST } from '../lease-contestants.ts'
import { newTable, poolOf, tableOf, withPostgres } from './world.ts'

await withPostgres((server) => {
  test(
    '[S2, S4] given any steps of three processes, and leases that end at any time, then locks and records are the same as the model’s',
    async () => {
      const [pool, name] = [poolOf(server), await newTable(server)]
      const table = tableOf(pool, name, 3_600_000)
      const events: Events = {
        expire: (key) =>
          pool.query(`UPDATE ${name} SET until = clock_timestamp() WHERE key = $1 AND owner IS NOT NULL`, [
            key,
          ]),
        forget: (key) => pool.query(`DELETE FROM ${name} WHERE key = $1`, [key]),
        copy: async (key) =>
          (await pool.query<{ row: string }>(`SELECT a::text AS row FROM ${name} a WHERE key = $1`, [key]))
            .rows[0]?.row,
        restore: (_, copy) => pool.query(`INSERT INTO ${name} SELECT ($1::${name}).*`, [copy]),
      }
      await expect(followsModel(table, events, 100)).resolves.toBeUndefined()
    },
    LONGEST,
  )
})
