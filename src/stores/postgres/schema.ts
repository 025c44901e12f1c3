import { asking } from './client.ts'
import { codeOf, failure } from './failure.ts'
import type { TableName } from './name.ts'
import { statementsOn } from './statements.ts'
import type { PostgresClient } from './types.ts'

/** The errors of `CREATE TABLE IF NOT EXISTS` if another process makes the table at the same time. */
const RACED: readonly unknown[] = ['23505', '42P07', '42710']

/** @throws RefreshError `store_failed` */
export async function migrate(client: PostgresClient, { quoted, shown }: TableName): Promise<void> {
  const ask = asking(client)
  const { create, exists } = statementsOn(quoted)
  try {
    // Look first, because a role without CREATE may call this for a table that exists.
    const [[found] = []] = await ask(exists, quoted)
    if (found === undefined) await ask(create)
  } catch (error) {
    if (!RACED.includes(codeOf(error))) throw failure(error, shown)
  }
}
