import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { onTestFinished } from 'vitest'
import { programOf } from '../support/programs.ts'
import { until } from '../support/until.ts'
import type { Order, Orders, Told } from './member.ts'

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

/** @param by a command that it is started by */
export async function startMember(orders: Orders, by: readonly string[]): Promise<Member> {
  const [command, ...args] = [...by, process.execPath, programOf('member'), JSON.stringify(orders)]
  const child = spawn(command, args, { stdio: ['pipe', 'pipe', 'inherit'] })
  onTestFinished(() => void child.kill('SIGKILL'))
  const asked = new Map<
    number,
    { readonly told: (told: Told) => void; readonly failed: (error: Error) => void }
  >()
  const lines = createInterface(child.stdout)
  let [id, isKilled] = [0, false]
  // What is asked of a process that has ended is never told: a test that waited for it would only run into its time limit.
  const ended = new Promise<never>((_, reject) => {
    child.once('exit', (code, signal) => {
      const error = new Error(`A member of the fleet has ended (${signal ?? code}): its error is above.`)
      reject(error)
      if (!isKilled) for (const { failed } of asked.values()) failed(error)
    })
  })
  ended.catch(() => undefined)
  await Promise.race([once(lines, 'line'), ended])
  lines.on('line', (line) => {
    const answer = JSON.parse(line) as { id: number; told: Told }
    asked.get(answer.id)?.told(answer.told)
    asked.delete(answer.id)
  })
  return {
    kill: () => {
      isKilled = true
      child.kill('SIGKILL')
    },
    tell: (order) =>
      new Promise((told, failed) => {
        asked.set(++id, { told, failed })
        child.stdin.write(`${JSON.stringify({ id, order })}\n`)
      }),
  }
}
