import { createInterface } from 'node:readline/promises'
import { Fault } from './fault.ts'

/** Whether a person can answer: what is typed and what is asked are on a terminal. */
export function hasPerson(): boolean {
  return process.stdin.isTTY && process.stderr.isTTY
}

/**
 * Asks a person one question; stdout stays free for data. An end of the input is an empty answer.
 *
 * @throws Fault where the person interrupts
 */
export async function ask(question: string): Promise<string> {
  const lines = createInterface({ input: process.stdin, output: process.stderr })
  try {
    const ended = new Promise<string>((resolve, reject) => {
      lines.once('SIGINT', () => reject(new Fault(130, 'The login was given up.')))
      lines.once('close', () => resolve(''))
    })
    return (await Promise.race([lines.question(`${question} `), ended])).trim()
  } finally {
    lines.close()
  }
}
