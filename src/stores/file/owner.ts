import { randomUUID } from 'node:crypto'
import type { Machine } from './machine.ts'

/** The holder of a lock, as the lock file describes it. */
export interface Owner {
  /** A new id for each acquired lock. */
  readonly id: string
  readonly host: string
  readonly boot: string | undefined
  readonly namespace: string | undefined
  /** On Linux: the time namespace, in which `start` counts from the boot. Earlier versions do not write it. */
  readonly time: string | undefined
  readonly pid: number
  readonly start: string | undefined
  /** True if an earlier holder vanished, and no record was written since. */
  readonly abandoned: boolean
}

const LOCK_FORMAT = 'llm-refresh/lock'

export function newOwner(machine: Machine, abandoned: boolean): Owner {
  const { host, boot, namespace, time, pid, start } = machine
  return { id: randomUUID(), host, boot, namespace, time, pid, start, abandoned }
}

export function writeOwner(owner: Owner): string {
  return `${JSON.stringify({ format: LOCK_FORMAT, ...owner })}\n`
}

/** Reads a lock file. undefined if another program wrote it, or if it was damaged when the power failed. */
export function readOwner(text: string): Owner | undefined {
  const field = fieldsOf(text)
  const known = (name: string): string | undefined => {
    const value = field(name)
    return typeof value === 'string' ? value : undefined
  }
  const [id, host, pid] = [known('id'), known('host'), field('pid')]
  if (field('format') !== LOCK_FORMAT || id === undefined || host === undefined) return undefined
  if (typeof pid !== 'number' || !Number.isSafeInteger(pid) || pid <= 0) return undefined
  const [boot, namespace, time, start] = [known('boot'), known('namespace'), known('time'), known('start')]
  return { id, host, boot, namespace, time, pid, start, abandoned: field('abandoned') === true }
}

const RELEASE_FORMAT = 'llm-refresh/release'

/** The content of a release mark if a request that redeems may have been on its way under the lock. Other marks are empty. */
export const ABANDONED: string = `${JSON.stringify({ format: RELEASE_FORMAT, abandoned: true })}\n`

export function isAbandoned(mark: string): boolean {
  const field = fieldsOf(mark)
  return field('format') === RELEASE_FORMAT && field('abandoned') === true
}

function fieldsOf(text: string): (name: string) => unknown {
  try {
    const parsed: unknown = JSON.parse(text)
    return (name): unknown => Reflect.get(Object(parsed), name)
  } catch {
    return () => undefined
  }
}

/**
 * The state of a holder, as far as this process can see it. `gone`: the process has ended. `stopped`: it exists but does not run (SIGSTOP).
 * `unknown`: it runs, or runs elsewhere, or cannot be seen, so its signs of life decide.
 */
export async function stateOf(owner: Owner, machine: Machine): Promise<'gone' | 'stopped' | 'unknown'> {
  if (owner.boot === undefined || owner.boot !== machine.boot) return 'unknown'
  if (owner.namespace === undefined || owner.namespace !== machine.namespace) return 'unknown'
  const start = await machine.startOf(owner.pid)
  if (start === null) return 'gone'
  const isSameTime = owner.time === undefined || machine.time === undefined || owner.time === machine.time
  if (!isSameTime || start === undefined || owner.start === undefined) return 'unknown'
  if (start !== owner.start) return 'gone'
  return (await machine.isStopped?.(owner.pid)) === true ? 'stopped' : 'unknown'
}
