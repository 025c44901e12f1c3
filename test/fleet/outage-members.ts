import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { programOf } from '../support/programs.ts'
import type { MemberLine, MemberOrder, MemberOrders, MemberTold, OnceOrders } from './outage-member.ts'

/** A process that wants tokens of some accounts, or its part in one that takes several. */
export interface OutageMember {
  readonly pid: number
  tell(order: MemberOrder): Promise<MemberTold>
  /** Ends the part, and the process, if that has no other: SIGKILL. */
  kill(): Promise<void>
}

/** A process that takes several parts. It ends when whoever started it ends. */
export interface OutageProcess {
  readonly pid: number
  ask(part: number, order: MemberLine['order']): Promise<MemberTold | undefined>
  /** SIGKILL */
  kill(): Promise<void>
}

let parts = 0

/** @param process default: one of its own */
export async function startOutageMember(
  orders: MemberOrders,
  process?: OutageProcess,
): Promise<OutageMember> {
  const taking = process ?? (await startOutageProcess())
  const part = ++parts
  await taking.ask(part, { do: 'open', orders })
  return {
    pid: taking.pid,
    tell: (order) => {
      const told = taking.ask(part, order).then((one) => {
        if (one === undefined) throw new Error('The member told nothing.')
        return one
      })
      // Whoever asked may have stopped waiting by then.
      told.catch(() => undefined)
      return told
    },
    kill: async () => {
      // Nobody waits for it: a client may wait for a server that is gone.
      if (process !== undefined) void process.ask(part, { do: 'close' })
      else await taking.kill()
    },
  }
}

export async function startOutageProcess(): Promise<OutageProcess> {
  const child = spawn(process.execPath, [programOf('outage-member')], { stdio: ['pipe', 'pipe', 'inherit'] })
  const exit = once(child, 'exit')
  const asked = new Map<
    number,
    { resolve: (told: MemberTold | undefined) => void; reject: (error: Error) => void }
  >()
  const lines = createInterface(child.stdout)
  await Promise.race([
    once(lines, 'line'),
    exit.then(() => {
      throw new Error('The member ended at once.')
    }),
  ])
  lines.on('line', (line) => {
    const { id, told, failure } = JSON.parse(line) as { id: number; told?: MemberTold; failure?: string }
    const one = asked.get(id)
    asked.delete(id)
    if (failure === undefined) one?.resolve(told)
    else one?.reject(new Error(failure))
  })
  child.stdin.on('error', () => undefined)
  child.on('exit', () => {
    for (const { reject } of asked.values()) reject(new Error('The member has ended.'))
  })
  let id = 0
  return {
    pid: child.pid ?? 0,
    ask: (part, order) => {
      const response = new Promise<MemberTold | undefined>((resolve, reject) => {
        asked.set(++id, { resolve, reject })
        child.stdin.write(`${JSON.stringify({ id, part, order } satisfies MemberLine)}\n`)
      })
      response.catch(() => undefined)
      return response
    },
    kill: async () => {
      child.kill('SIGKILL')
      await exit
    },
  }
}

/** A process that asks for these tokens once, and ends. */
export async function askOnce(orders: MemberOrders, keys: readonly string[]): Promise<MemberTold> {
  const asked: OnceOrders = { ...orders, keys }
  const child = spawn(process.execPath, [programOf('outage-member'), JSON.stringify(asked)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  let told: MemberTold | undefined
  for await (const line of createInterface(child.stdout))
    ({ told } = JSON.parse(line) as { told: MemberTold })
  if (told === undefined) throw new Error('The process told nothing.')
  return told
}
