import type { StoreEntry } from 'llm-refresh/stores/file'
import type { Config } from '../../config/read.ts'
import { commandLine } from '../../lib/shell.ts'
import { loginCommand } from '../credential.ts'
import { openStore } from '../store.ts'
import { fixFor, type Finding, good, problem } from './finding.ts'

/** ms: longer than a refresh takes. */
const LOCKED = 8_000

/** Whether a store can be read and locked. `isLocked`: another process does not give the account's lock back. */
export async function checkStore(
  config: Config,
  name: string,
  account: string,
): Promise<{ findings: Finding[]; isLocked: boolean }> {
  const about = `stores.${name}`
  let opened: Awaited<ReturnType<typeof openStore>> | undefined
  try {
    opened = await openStore(config, name)
    const { store, inspect, definition } = opened
    const entries = await inspect()
    const signal = AbortSignal.timeout(LOCKED)
    try {
      // Taking a lock shows that this user may write, and that the file system has what locks need.
      await store.update(account, () => Promise.resolve(undefined), { signal })
    } catch (error) {
      if (!signal.aborted) throw error
      return { findings: [locked(about, account, await inspect())], isLocked: true }
    }
    const found = good(
      about,
      'store',
      `The ${definition.type} store can be read and locked; it holds ${entries.length} accounts.`,
    )
    return { findings: [found, ...entries.flatMap((entry) => ofEntry(about, entry))], isLocked: false }
  } catch (error) {
    return { findings: [problem(about, error)], isLocked: false }
  } finally {
    await opened?.close()
  }
}

function locked(about: string, account: string, entries: readonly StoreEntry[]): Finding {
  const { holder } = entries.find((entry) => entry.holder?.isGone === false) ?? {}
  const isKnown = holder?.pid !== undefined && holder.host !== undefined
  const who = isKnown ? `process ${holder.pid} on ${holder.host}` : 'another process'
  return {
    about,
    code: 'locked',
    level: 'error',
    message: `The lock of ${account} is not free within ${LOCKED / 1000} s: ${who} refreshes it, or hangs.`,
    fix: isKnown
      ? `Wait. If it hangs, end it on ${holder.host}: ${commandLine(['kill', String(holder.pid)])}`
      : 'Wait. If the process hangs, end it.',
  }
}

function ofEntry(about: string, { key, isAbandoned, problem: unreadable }: StoreEntry): Finding[] {
  if (unreadable !== undefined) {
    const { code, message } = unreadable
    return [{ about, code, level: 'warning', message, fix: fixFor(about, unreadable) }]
  }
  if (!isAbandoned || key === undefined) return []
  return [
    {
      about,
      code: 'abandoned',
      level: 'warning',
      message: `A refresh of ${key} was cut short: its refresh token may be spent.`,
      fix: `If the next refresh fails, run: ${loginCommand(key)}`,
    },
  ]
}
