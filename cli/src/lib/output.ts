import { styleText } from 'node:util'
import type { Fault } from './fault.ts'

type Style = Parameters<typeof styleText>[0]

/** Cleans a text that a server or a file may have supplied, so that it can neither move the terminal's cursor nor reverse the text. */
export function printable(text: string): string {
  return text.replaceAll(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]+/gu, ' ')
}

/** Prints a line of data on stdout. */
export function print(line: string): Promise<void> {
  return new Promise((resolve, reject) => {
    process.stdout.write(`${line}\n`, (error) => {
      if (error) reject(error)
      else resolve()
    })
  })
}

/** For a command that serves others: keeps it alive when the reader of its output, such as the program of a pipe, has ended. */
export function outliveReaders(): void {
  for (const stream of [process.stdout, process.stderr]) stream.on('error', () => undefined)
}

/** Prints data for programs. Every field is there, so that a reader need not distinguish "absent" from "unknown". */
export function printJson(value: unknown): Promise<void> {
  return print(jsonOf(value, process.stdout.isTTY ? 2 : undefined))
}

export function jsonOf(value: unknown, indent?: number): string {
  return JSON.stringify(value, (_name, each: unknown) => each ?? null, indent)
}

/** Prints a line for a person on stderr, because stdout is for data. */
export function say(line: string): void {
  process.stderr.write(`${line}\n`)
}

/** Colours a text, if the stream is a terminal and the person has not refused colours (https://no-color.org). */
export function paint(style: Style, text: string, stream: NodeJS.WriteStream = process.stdout): string {
  const isPlain = !stream.isTTY || (process.env['NO_COLOR'] ?? '') !== '' || process.env['TERM'] === 'dumb'
  return isPlain ? text : styleText(style, text, { stream })
}

/** The longest message, in characters: a name in a configuration may be as long as the file. */
const LONGEST = 1_000

/** An error as one line. */
export function lineOf({ message: whole, fix }: Pick<Fault, 'message' | 'fix'>): string {
  const message = whole.length > LONGEST ? `${whole.slice(0, LONGEST)}…` : whole
  const sentence = fix === undefined ? message : `${message.replace(/(?<![.!?])$/, '.')} ${fix}`
  return `llm-refresh: ${printable(sentence)}`
}
