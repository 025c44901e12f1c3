import { randomUUID } from 'node:crypto'
import type { Machine } from './machine.ts'

/** Who holds a lock: the content of its file. */
export interface Owner {
  /** Tells one holding from every other. */
  readonly id: string
  readonly host: string
  readonly boot: string | undefined
  readonly namespace: string | undefined
  readonly pid: number
  readonly start: string | undefined
  /** One that held the lock before vanished, and nothing was written since. */
  readonly abandoned: boolean
}

const LOCK_FORMAT = 'llm-refresh/lock'

export function newOwner(machine: Machine, abandoned: boolean): Owner {
  const { host, boot, namespace, pid, start } = machine
  return { id: randomUUID(), host, boot, namespace, pid, start, abandoned }
}

export function writeOwner(owner: Owner): string {
  return `${JSON.stringify({ format: LOCK_FORMAT, ...owner })}\n`
}

/** undefined: it is none of ours, or it was damaged when the machine lost its power. */
export function readOwner(text: string): Owner | undefined {
  let parsed: unknown
  try {
    parsed = JSON.parse(text)
  } catch {
    return undefined
  }
  const field = (name: string): unknown => Reflect.get(Object(parsed), name)
  const known = (name: string): string | undefined => {
    const value = field(name)
    return typeof value === 'string' ? value : undefined
  }
  const [id, host, pid] = [known('id'), known('host'), field('pid')]
  if (field('format') !== LOCK_FORMAT || id === undefined || host === undefined) return undefined
  if (typeof pid !== 'number' || !Number.isSafeInteger(pid) || pid <= 0) return undefined
  const [boot, namespace, start] = [known('boot'), known('namespace'), known('start')]
  return { id, host, boot, namespace, pid, start, abandoned: field('abandoned') === true }
}

/** Whether a holder is known to be gone. That it is elsewhere, or cannot be seen from here, is no sign of it. */
export async function isGone(owner: Owner, machine: Machine): Promise<boolean> {
  if (owner.boot === undefined || owner.boot !== machine.boot) return false
  if (owner.namespace === undefined || owner.namespace !== machine.namespace) return false
  const start = await machine.startOf(owner.pid)
  if (start === null) return true
  return start !== undefined && owner.start !== undefined && start !== owner.start
}
