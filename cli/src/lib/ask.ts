import { createInterface } from 'node:readline/promises'
import { Fault } from './fault.ts'

/** True if a person can answer: both the input and the question use a terminal. */
export function hasPerson(): boolean {
  return process.stdin.isTTY && process.stderr.isTTY
}

/**
 * Asks a person one question, on stderr, because stdout is for data. The end of the input counts as an empty answer.
 *
 * @throws Fault if the person interrupts
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
