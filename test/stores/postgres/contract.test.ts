import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { migratePostgres, type PgClient, postgresStore } from '../../../src/stores/postgres/index.ts'
import { storeContract } from '../../../src/testing/index.ts'
import { clients, type Opened, openPool, withPostgres } from './world.ts'

/** What a user may have set for all sessions. `npm run trial -- contracts` has each with both drivers. */
const settings: [name: string, settings: Record<string, string>][] = [
  ['serializable transactions', { default_transaction_isolation: 'serializable' }],
  ['repeatable reads', { default_transaction_isolation: 'repeatable read' }],
  [
    'its own zone, dates and quotes',
    {
      timezone: 'Asia/Kathmandu',
      datestyle: 'German',
      intervalstyle: 'sql_standard',
      standard_conforming_strings: 'off',
    },
  ],
]

const HAS_ALL = process.env['CONTRACTS'] === 'all'

/** A client that loses the first answer to each statement on the way: what it was to do is done. */
function lossy(client: PgClient): PgClient {
  const lost = new Set<string>()
  return {
    query: async (text, values) => {
      const answer = await client.query(text, values)
      const asked = JSON.stringify([text, values])
      if (lost.delete(asked)) return answer
      lost.add(asked)
      throw Object.assign(new Error('read ECONNRESET'), { code: 'ECONNRESET' })
    },
  }
}

/** @param passedOver cases */
function contract(over: string, open: () => Promise<Opened>, passedOver?: RegExp): void {
  describe(`a store over ${over}`, () => {
    let opened: Opened
    beforeAll(async () => {
      opened = await open()
    })
    afterAll(() => opened.end())
    const cases = storeContract(() => postgresStore(opened.client))
    for (const { name, run } of cases.filter((each) => passedOver?.test(each.name) !== true))
      test(`[S2] ${name}`, () => expect(run()).resolves.toBeUndefined())
  })
}

await withPostgres((server) => {
  beforeAll(async () => {
    const { client, end } = openPool(server)
    await migratePostgres(client)
    await end()
  })

  for (const [name, open] of clients) {
    contract(name, () => open(server))
    if (name !== 'a pool of pg' && name !== 'postgres.js') continue
    const isFirst = name === 'a pool of pg'
    // In turn with one driver and with the other.
    const chosen = settings.filter((_, at) => HAS_ALL || isFirst === (at % 2 === 0))
    for (const [set, more] of chosen) contract(`${name}, with ${set}`, () => open(server, more))
  }

  const losing = async (): Promise<Opened> => {
    const { client, end } = openPool(server)
    return { client: lossy(client), end }
  }
  // A writer that writes a second time, since the first response was lost, may be told of what was written after that.
  const passedOver = /^given (?:a waiter|many calls of replace\(\))/
  contract('a client that loses the first answer to each statement', losing, passedOver)
})
