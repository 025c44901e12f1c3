import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { onTestFinished } from 'vitest'
import type { Order, Orders, Told } from './member.ts'

/** A process of a fleet. It is told several things at once. */
export interface Member {
  tell(order: Order): Promise<Told>
  /** SIGKILL */
  kill(): void
}

/**
 * @param program the path of the member's program
 * @param by a command that it is started by
 */
export async function startMember(program: string, orders: Orders, by: readonly string[]): Promise<Member> {
  const [command, ...args] = [...by, process.execPath, program, JSON.stringify(orders)]
  const child = spawn(command, args, { stdio: ['pipe', 'pipe', 'inherit'] })
  onTestFinished(() => void child.kill('SIGKILL'))
  const told = new Map<number, (told: Told) => void>()
  const lines = createInterface(child.stdout)
  await once(lines, 'line')
  lines.on('line', (line) => {
    const answer = JSON.parse(line) as { id: number; told: Told }
    told.get(answer.id)?.(answer.told)
    told.delete(answer.id)
  })
  let id = 0
  return {
    kill: () => void child.kill('SIGKILL'),
    tell: (order) =>
      new Promise((resolve) => {
        told.set(++id, resolve)
        child.stdin.write(`${JSON.stringify({ id, order })}\n`)
      }),
  }
}
