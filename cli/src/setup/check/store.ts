import type { StoreEntry } from 'llm-refresh/stores/file'
import type { Config } from '../../config/read.ts'
import { EXIT, Fault } from '../../lib/fault.ts'
import { commandLine } from '../../lib/shell.ts'
import { loginCommand } from '../credential.ts'
import { isPersons } from '../source.ts'
import { canLock, LOCKED, openStore } from '../store.ts'
import { fixFor, type Finding, good, problem } from './finding.ts'

/** The longest wait for a store's server, in ms. */
const SILENT = 6_000

/** The result of a store's check. */
export interface CheckedStore {
  readonly findings: readonly Finding[]
  /** `locked`: another process holds the account's lock for too long. `unusable`: another use of the store would fail in the same way. */
  readonly state: 'good' | 'locked' | 'unusable'
}

/** Checks whether a store can be read and locked. */
export async function checkStore(config: Config, name: string, account: string): Promise<CheckedStore> {
  const about = `stores.${name}`
  let opened: Awaited<ReturnType<typeof openStore>> | undefined
  try {
    opened = await openStore(config, name)
    const { inspect, definition } = opened
    const entries = await soon(inspect())
    if (!(await canLock(opened, account)))
      return { findings: [locked(about, account, await inspect())], state: 'locked' }
    const found = good(
      about,
      'store',
      `The ${definition.type} store can be read and locked; it holds ${entries.length} ${entries.length === 1 ? 'account' : 'accounts'}.`,
    )
    return {
      findings: [found, ...entries.flatMap((entry) => ofEntry(config, about, account, entry))],
      state: 'good',
    }
  } catch (error) {
    const fix = fixForStore(about, account, error, opened?.definition.type)
    return { findings: [{ ...problem(about, error), fix }], state: 'unusable' }
  } finally {
    await opened?.close()
  }
}

async function soon<T>(inspected: Promise<T>): Promise<T> {
  inspected.catch(() => undefined)
  const silent = new Promise<never>((_resolve, reject) => {
    const message = `The server of the store did not respond within ${SILENT / 1000} s.`
    setTimeout(() => reject(new Fault(EXIT.unreachable, message)), SILENT).unref()
  })
  return Promise.race([inspected, silent])
}

function fixForStore(about: string, account: string, error: unknown, type: string | undefined): string {
  const code: unknown = Reflect.get(Object(error), 'code')
  if (code === 'store_invalid')
    return `Mend ${about}.sealedWith, or drop the record: ${commandLine(['llm-refresh', 'logout', account])}`
  if (code !== 'store_failed' && !(error instanceof Fault && error.exitCode === EXIT.unreachable))
    return fixFor(about, error)
  return type === 'file'
    ? 'Mend the store: its folder, its owner or its rights.'
    : `Mend the store: its server, the network or ${about}.url.`
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

function ofEntry(
  { credentials }: Config,
  about: string,
  account: string,
  { key, isAbandoned, problem: unreadable }: StoreEntry,
): Finding[] {
  if (unreadable !== undefined) {
    const { code, message } = unreadable
    const fix = fixForStore(about, key ?? account, unreadable, undefined)
    return [{ about, code, level: 'warning', message, fix }]
  }
  const definition = key === undefined ? undefined : credentials?.[key]
  // Only a login has a refresh token. A credential of another configuration may have one.
  if (!isAbandoned || key === undefined || (definition && !isPersons(definition))) return []
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
