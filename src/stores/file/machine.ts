import { execFile } from 'node:child_process'
import { readFile, readlink } from 'node:fs/promises'
import { hostname } from 'node:os'
import { promisify } from 'node:util'
import { codeOf } from './failure.ts'

/** Distinguishes processes of one machine from those of another, and a process from a later one with its pid. */
export interface Machine {
  readonly host: string
  /** Changes with every boot of the machine. undefined: not known, so no process there can be known to be gone. */
  readonly boot: string | undefined
  /** Within it a pid means one process. Containers of one machine share its boot id, but not this. */
  readonly namespace: string | undefined
  /** Start times of processes in different ones cannot be compared. undefined: there is but one, or it is not known. */
  readonly time?: string | undefined
  readonly pid: number
  /** When this process began. */
  readonly start: string | undefined
  /** When a process began: any text that differs from one process to the next with its pid. null: there is no such process. */
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
      // Without its start time, a process is known to be gone only while its pid is free.
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
  // A zombie runs no more; its parent may never wait for it.
  return state === 'Z' || state === 'X' ? null : rest[18]
}

async function isStoppedInProc(pid: number): Promise<boolean> {
  return STOPPED.test((await statInProc(pid))[0] ?? '')
}

/** proc(5): after the name, which is in parentheses and may hold any character, come the state and, 19 further, the start. */
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
