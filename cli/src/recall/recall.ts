import { writeSync } from 'node:fs'
import { join } from 'node:path'
import { locate } from '../config/locate.ts'
import { readDuration } from '../lib/duration.ts'
import { wrongProxyVariables } from '../lib/proxy-variables.ts'
import { areEqual, entriesOf, marksOf } from './marks.ts'
import { environment, readMemo } from './memo.ts'
import { tokenIn } from './record.ts'
import { rendered } from './rendered.ts'

declare const VERSION: string

interface Asked {
  readonly name: string
  readonly options: Readonly<Record<string, string>>
}

/**
 * Prints the token that the last `llm-refresh token` printed, if nothing that decides about it has changed: the configuration, its rights
 * and those of the folders, the current record, and the time. The whole command takes three times as long to start.
 *
 * @returns false if it printed nothing, so that the whole command has to run
 */
export function recall(words: readonly string[]): boolean {
  try {
    const asked = words[0] === 'token' ? readWords(words.slice(1)) : undefined
    const printed = asked && find(asked)
    if (printed === undefined) return false
    writeWhole(`${printed}\n`)
    return true
  } catch {
    // Print nothing: the whole command reports the problem better.
    return false
  }
}

function find({ name, options }: Asked): string | undefined {
  const { format = 'raw', config, 'min-ttl': minTtl } = options
  if (!['raw', 'json', 'headers'].includes(format)) return undefined
  const memo = readMemo(locate(config).path, name, VERSION)
  if (memo?.environment !== environment()) return undefined
  const { at, expiresAt = Infinity, folder, entries, record, marks } = memo
  const now = Date.now()
  const needed = minTtl === undefined ? 0 : readDuration('--min-ttl', minTtl)
  // If the clock was set back, it says nothing about the expiry.
  if (now < at || now >= expiresAt || expiresAt - now < needed) return undefined
  const path = join(folder, record)
  if (entriesOf(folder) !== entries || !areEqual(marks, marksOf([memo.config, path]))) return undefined
  if (wrongProxyVariables().length > 0) return undefined
  const token = tokenIn(path)
  return token && rendered(format, token, memo.expiresAt)
}

/** Reads the words, in plain forms only. Returns undefined if the whole command has to read them. */
function readWords(words: readonly string[]): Asked | undefined {
  const [names, options]: [string[], Record<string, string>] = [[], {}]
  for (let at = 0; at < words.length; at++) {
    const word = words[at] ?? ''
    const [, option, within] = /^--(config|format|min-ttl)(?:=(.*))?$/s.exec(word) ?? []
    if (option === undefined) {
      if (word === '' || word.startsWith('-')) return undefined
      names.push(word)
      continue
    }
    const value = within ?? words[++at]
    if (value === undefined || value.startsWith('-')) return undefined
    options[option] = value
  }
  return names.length > 1 ? undefined : { name: names[0] ?? '', options }
}

/** Writes all of the text: a full pipe takes only a part at a time. `process.stdout` would take longer to load than all of this. */
function writeWhole(text: string): void {
  const bytes = Buffer.from(text)
  for (let at = 0; at < bytes.length;) {
    try {
      at += writeSync(1, bytes, at)
    } catch (error) {
      if (Reflect.get(Object(error), 'code') !== 'EAGAIN') throw error
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 5)
    }
  }
}
