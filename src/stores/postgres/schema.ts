import { asking } from './client.ts'
import { codeOf, failure } from './failure.ts'
import type { TableName } from './name.ts'
import { statementsOn } from './statements.ts'
import type { PostgresClient } from './types.ts'

/** The codes of `CREATE TABLE IF NOT EXISTS` if another process makes the table at the same time. */
const RACED: readonly unknown[] = ['23505', '42P07', '42710']

/** @throws RefreshError `store_failed` */
export async function migrate(client: PostgresClient, { quoted, shown }: TableName): Promise<void> {
  const ask = asking(client)
  const { create, exists } = statementsOn(quoted)
  try {
    // A role that may not make tables may ask for one that is there.
    const [[found] = []] = await ask(exists, quoted)
    if (found === undefined) await ask(create)
  } catch (error) {
    if (!RACED.includes(codeOf(error))) throw failure(error, shown)
  }
}
