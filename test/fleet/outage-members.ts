import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { bundle } from '../support/bundle.ts'
import type { MemberOrder, MemberOrders, MemberTold } from './outage-member.ts'

/** A process, which ends when whoever started it ends. */
export interface OutageMember {
  readonly pid: number
  tell(order: MemberOrder): Promise<MemberTold>
  /** SIGKILL */
  kill(): Promise<void>
}

/** Makes the program, as one file. @returns its path */
export function bundleMember(folder: string): Promise<string> {
  return bundle(new URL('outage-member.ts', import.meta.url), `${folder}/outage-member.mjs`)
}

export async function startOutageMember(program: string, orders: MemberOrders): Promise<OutageMember> {
  const child = spawn(process.execPath, [program, JSON.stringify(orders)], {
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  const exit = once(child, 'exit')
  const told = new Map<number, { resolve: (told: MemberTold) => void; reject: (error: Error) => void }>()
  const lines = createInterface(child.stdout)
  await Promise.race([
    once(lines, 'line'),
    exit.then(() => {
      throw new Error('The member ended at once.')
    }),
  ])
  lines.on('line', (line) => {
    const response = JSON.parse(line) as { id: number; told: MemberTold }
    told.get(response.id)?.resolve(response.told)
    told.delete(response.id)
  })
  child.stdin.on('error', () => undefined)
  child.on('exit', () => {
    for (const { reject } of told.values()) reject(new Error('The member has ended.'))
  })
  let id = 0
  const waitFor = (number: number): Promise<MemberTold> =>
    new Promise((resolve, reject) => told.set(number, { resolve, reject }))
  return {
    pid: child.pid ?? 0,
    tell: (order) => {
      const response = waitFor(++id)
      // Whoever asked may have stopped waiting by then.
      response.catch(() => undefined)
      child.stdin.write(`${JSON.stringify({ id, order })}\n`)
      return response
    },
    kill: async () => {
      child.kill('SIGKILL')
      await exit
    },
  }
}

/** A process that asks for these tokens once, and ends. */
export async function askOnce(
  program: string,
  orders: MemberOrders,
  keys: readonly string[],
): Promise<MemberTold> {
  const child = spawn(process.execPath, [program, JSON.stringify({ ...orders, once: keys })], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  let told: MemberTold | undefined
  for await (const line of createInterface(child.stdout)) {
    if (line.startsWith('{')) told = (JSON.parse(line) as { told: MemberTold }).told
  }
  if (told === undefined) throw new Error('The process told nothing.')
  return told
}
