import { styleText } from 'node:util'
import type { Fault } from './fault.ts'

type Style = Parameters<typeof styleText>[0]

/** Text that may have come from a server or a file: nothing in it may move the cursor of a terminal or turn the text around. */
export function printable(text: string): string {
  return text.replaceAll(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]+/gu, ' ')
}

/** A line of data on stdout. */
export function print(line: string): Promise<void> {
  return new Promise((resolve, reject) => {
    process.stdout.write(`${line}\n`, (error) => {
      if (error) reject(error)
      else resolve()
    })
  })
}

/** For a command that serves others: a reader of what it prints that went away, such as the program of a pipe, does not end it. */
export function outliveReaders(): void {
  for (const stream of [process.stdout, process.stderr]) stream.on('error', () => undefined)
}

/** Data for programs: every field is there, so that a reader need not tell "absent" from "unknown". */
export function printJson(value: unknown): Promise<void> {
  return print(jsonOf(value, process.stdout.isTTY ? 2 : undefined))
}

export function jsonOf(value: unknown, indent?: number): string {
  return JSON.stringify(value, (_name, each: unknown) => each ?? null, indent)
}

/** A line for a person, on stderr: stdout is for data. */
export function say(line: string): void {
  process.stderr.write(`${line}\n`)
}

/** Colours only a terminal, and only where the person has not asked for none (https://no-color.org). */
export function paint(style: Style, text: string, stream: NodeJS.WriteStream = process.stdout): string {
  const isPlain = !stream.isTTY || (process.env['NO_COLOR'] ?? '') !== '' || process.env['TERM'] === 'dumb'
  return isPlain ? text : styleText(style, text, { stream })
}

/** Characters: a name in a configuration may be as long as the file. */
const LONGEST = 1_000

/** An error as one line. */
export function lineOf({ message: whole, fix }: Pick<Fault, 'message' | 'fix'>): string {
  const message = whole.length > LONGEST ? `${whole.slice(0, LONGEST)}…` : whole
  const sentence = fix === undefined ? message : `${message.replace(/(?<![.!?])$/, '.')} ${fix}`
  return `llm-refresh: ${printable(sentence)}`
}
