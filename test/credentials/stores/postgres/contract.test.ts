import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import {
  migratePostgres,
  type QueryClient,
  postgresStore,
} from '../../../../src/credentials/stores/postgres.ts'
import { storeContract } from '../../../../src/testing/index.ts'
import { clients, type Opened, openPool, withPostgres } from './world.ts'

/** What a user may have set for all sessions. */
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

/** A client whose every other answer is lost on the way: what it was to do is done. */
function lossy(client: QueryClient): QueryClient {
  let asked = 0
  return {
    query: async (text, values) => {
      const answer = await client.query(text, values)
      if ((asked += 1) % 2 === 0) throw Object.assign(new Error('read ECONNRESET'), { code: 'ECONNRESET' })
      return answer
    },
  }
}

function contract(over: string, open: () => Promise<Opened>): void {
  describe(`a store over ${over}`, () => {
    let opened: Opened
    beforeAll(async () => {
      opened = await open()
      await migratePostgres(opened.client)
    })
    afterAll(() => opened.end())
    for (const { name: what, run } of storeContract(() => postgresStore(opened.client)))
      test(`[S2] ${what}`, () => expect(run()).resolves.toBeUndefined())
  })
}

await withPostgres((server) => {
  for (const [name, open] of clients) {
    contract(name, () => open(server))
    for (const [set, more] of settings) contract(`${name}, with ${set}`, () => open(server, more))
  }

  contract('a client whose every other answer is lost', async () => {
    const { client, end } = openPool(server)
    await migratePostgres(client)
    return { client: lossy(client), end }
  })
})
