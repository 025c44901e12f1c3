import { execFile } from 'node:child_process'
import { readFile, readlink } from 'node:fs/promises'
import { hostname } from 'node:os'
import { promisify } from 'node:util'
import { codeOf } from './failure.ts'

/** Facts that distinguish the processes of one machine from those of another, and a process from a later one with the same pid. */
export interface Machine {
  readonly host: string
  /** A text that changes with every boot of the machine. undefined if not known: then no process of this machine counts as gone. */
  readonly boot: string | undefined
  /** The namespace of pids, within which a pid means one process. Containers of one machine share the boot id, but not this. */
  readonly namespace: string | undefined
  /** The time namespace: start times from different ones cannot be compared. undefined if the platform has only one, or if not known. */
  readonly time?: string | undefined
  readonly pid: number
  /** When this process began. */
  readonly start: string | undefined
  /** When a process began, as a text that differs for a later process with the same pid. null: no such process. undefined: not known. */
  startOf(pid: number): Promise<string | null | undefined>
  /** True if a process exists but is stopped until a signal continues it (SIGSTOP). Default: never. */
  isStopped?(pid: number): Promise<boolean>
}

let known: Promise<Machine> | undefined

/** Describes this machine, and this process on it. */
export function thisMachine(): Promise<Machine> {
  return (known ??= readMachine(process.platform))
}

/** @param platform as `process.platform` names it */
export async function readMachine(platform: string, run: Run = runProgram): Promise<Machine> {
  const { pid } = process
  const named = async (machine: Omit<Machine, 'host' | 'pid' | 'start'>): Promise<Machine> => {
    const start = (await machine.startOf(pid)) ?? undefined
    return { host: hostname(), pid, start, ...machine }
  }
  switch (platform) {
    case 'linux':
    case 'android': {
      const boot = await ignoring(readFile('/proc/sys/kernel/random/boot_id', 'utf8'))
      const namespace = await ignoring(readlink('/proc/self/ns/pid'))
      const time = await ignoring(readlink('/proc/self/ns/time'))
      return named({ boot: boot?.trim(), namespace, time, startOf: startInProc, isStopped: isStoppedInProc })
    }
    case 'darwin': {
      const boot = await ignoring(run('/usr/sbin/sysctl', ['-n', 'kern.bootsessionuuid']))
      return named({
        boot: boot?.trim(),
        namespace: platform,
        startOf: (other) => startInPs(other, run),
        isStopped: async (other) => STOPPED.test((await statInPs(other, run))[0] ?? ''),
      })
    }
    default:
      // This platform tells no start times. So a process counts as gone only while no other process has its pid.
      return named({ boot: hostname(), namespace: platform, startOf: presence })
  }
}

type Run = (program: string, args: readonly string[]) => Promise<string>

async function runProgram(program: string, args: readonly string[]): Promise<string> {
  const { stdout } = await promisify(execFile)(program, args, { timeout: 5_000, env: { LC_ALL: 'C' } })
  return stdout
}

async function presence(pid: number): Promise<null | undefined> {
  try {
    process.kill(pid, 0)
    return undefined
  } catch (error) {
    return codeOf(error) === 'ESRCH' ? null : undefined
  }
}

/** Stopped by a signal, or by a debugger. */
const STOPPED = /^[Tt]/u

async function startInProc(pid: number): Promise<string | null | undefined> {
  if ((await presence(pid)) === null) return null
  const [state, ...rest] = await statInProc(pid)
  // A zombie counts as gone: it never runs again, and its parent may never remove it.
  return state === 'Z' || state === 'X' ? null : rest[18]
}

async function isStoppedInProc(pid: number): Promise<boolean> {
  return STOPPED.test((await statInProc(pid))[0] ?? '')
}

/** The fields of proc(5) behind the name, which is in parentheses and may contain any character: the state, and 19 fields later the start. */
async function statInProc(pid: number): Promise<string[]> {
  const stat = await ignoring(readFile(`/proc/${pid}/stat`, 'utf8'))
  return stat?.slice(stat.lastIndexOf(')') + 2).split(' ') ?? []
}

async function startInPs(pid: number, run: Run): Promise<string | null | undefined> {
  if ((await presence(pid)) === null) return null
  const [state, ...start] = await statInPs(pid, run)
  return state?.startsWith('Z') === true ? null : start.join(' ') || undefined
}

async function statInPs(pid: number, run: Run): Promise<string[]> {
  const line = await ignoring(run('/bin/ps', ['-o', 'stat=,lstart=', '-p', String(pid)]))
  return line?.trim().split(/\s+/u) ?? []
}

function ignoring(reading: Promise<string>): Promise<string | undefined> {
  return reading.catch(() => undefined)
}
