import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { afterAll } from 'vitest'
import type { Ends } from '../support/ends.ts'
import { programOf } from '../support/programs.ts'
import { until } from '../support/until.ts'
import type { Line, Reply } from './member.ts'
import type { Order, Orders, Told } from './part.ts'

/** A process of a fleet. It is told several things at once. */
export interface Member {
  tell(order: Order): Promise<Told>
  /** SIGKILL */
  kill(): void
}

/** What was received and is rejected at once keeps a process from asking again for a second: its breaker. */
export async function untilServed(member: Member): Promise<void> {
  await until(async () => (await member.tell({ do: 'round' })).served > 0)
}

interface Process {
  ask(fleet: number, order: Line['order']): Promise<Told | undefined>
  kill(): Promise<void>
}

/** The processes of a test file, by their place in a fleet and what they were started by: they take part in one fleet after another. */
const processes = new Map<string, Promise<Process>>()
let fleets = 0
afterAll(async () => {
  await Promise.all(Array.from(processes.values(), async (one) => (await one).kill()))
})

/** The number of a new fleet. */
export const newFleet = (): number => ++fleets

/** Which process takes part: the one of this place in a fleet, started by this command. */
interface Which {
  readonly n: number
  readonly by: readonly string[]
}

export async function startMember(
  fleet: number,
  { n, by }: Which,
  orders: Orders,
  ends: Ends,
): Promise<Member> {
  const name = JSON.stringify([n, by])
  const made = processes.get(name) ?? startProcess(by, () => processes.delete(name))
  processes.set(name, made)
  const process = await made
  // Nobody waits for it: a client may wait for a server that is gone.
  ends(async () => void process.ask(fleet, { do: 'leave' }))
  await process.ask(fleet, { do: 'join', orders })
  return {
    kill: () => void process.kill(),
    tell: async (order) => {
      const told = await process.ask(fleet, order)
      if (told === undefined) throw new Error('It told nothing.')
      return told
    },
  }
}

async function startProcess(by: readonly string[], onEnd: () => void): Promise<Process> {
  const [command, ...args] = [...by, process.execPath, programOf('member')]
  const child = spawn(command, args, { stdio: ['pipe', 'pipe', 'inherit'] })
  const asked = new Map<number, { done: (told: Told | undefined) => void; failed: (error: Error) => void }>()
  const lines = createInterface(child.stdout)
  let id = 0
  let ended: Error | undefined
  // What is asked of a process that has ended is never told: a test that waited for it would only run into its time limit.
  const exit = new Promise<Error>((resolve) => {
    child.once('exit', (code, signal) => {
      ended = new Error(`A member of the fleet has ended (${signal ?? code}): its error is above.`)
      onEnd()
      for (const { failed } of asked.values()) failed(ended)
      resolve(ended)
    })
  })
  child.stdin.on('error', () => undefined)
  await Promise.race([once(lines, 'line'), exit])
  if (ended !== undefined) throw ended
  lines.on('line', (line) => {
    const { id: number, told, failure } = JSON.parse(line) as Reply
    const one = asked.get(number)
    asked.delete(number)
    if (failure === undefined) one?.done(told)
    else one?.failed(new Error(failure))
  })
  return {
    kill: async () => {
      onEnd()
      // Nobody hears what it was asked.
      asked.clear()
      child.kill('SIGKILL')
      await exit
    },
    ask: (fleet, order) => {
      const response = new Promise<Told | undefined>((done, failed) => {
        if (child.killed) return
        if (ended !== undefined) return failed(ended)
        asked.set(++id, { done, failed })
        child.stdin.write(`${JSON.stringify({ id, fleet, order } satisfies Line)}\n`)
      })
      // Whoever asked a process that is killed may wait for nothing of it.
      response.catch(() => undefined)
      return response
    },
  }
}
