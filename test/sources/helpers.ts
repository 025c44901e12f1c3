import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import type { ServerResponse } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { inspect } from 'node:util'
import { onTestFinished } from 'vitest'
import { type AccessToken, RefreshError, type Source, type SourceContext } from '../../src/index.ts'
import { type Recorded, type RecordingServer, startRecordingServer } from '../support/recording-server.ts'

/** Makes a folder, and removes it after the test. */
export async function temporaryFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'sources-'))
  onTestFinished(() => rm(folder, { recursive: true, force: true }))
  return folder
}

/** Writes an executable shell script. In the script `$0` is its path. */
export async function script(lines: string, name = 'helper'): Promise<string> {
  const path = join(await temporaryFolder(), name)
  await writeFile(path, `#!/bin/sh\n${lines}\n`, { mode: 0o755 })
  return path
}

export function issue(source: Source, more: Partial<SourceContext> = {}): Promise<AccessToken> {
  return source.issue({
    current: undefined,
    challenge: undefined,
    signal: new AbortController().signal,
    sent: () => undefined,
    ...more,
  })
}

/** The RefreshError that a promise rejects with. Throws if the promise resolves, or rejects with another error. */
export async function failure(issued: Promise<unknown>): Promise<RefreshError> {
  const error = await issued.then(
    (value) => new Error(`It did not fail: ${inspect(value)}`),
    (reason: unknown) => reason,
  )
  if (error instanceof RefreshError) return error
  throw error
}

/** All usual ways to print a value, including the causes of an error. */
export function printed(thing: unknown): string {
  const cause = thing instanceof Error ? thing.cause : undefined
  return [
    inspect(thing, { depth: 10, showHidden: true }),
    JSON.stringify(thing) ?? '',
    String(thing),
    thing instanceof Error ? String(thing.stack) : '',
    ...(cause === undefined ? [] : [printed(cause)]),
  ].join('\n')
}

/** The ids of the processes whose arguments hold a word. */
export async function processesWith(word: string): Promise<number[]> {
  const found: number[] = []
  for (const pid of await readdir('/proc')) {
    if (!/^\d+$/.test(pid) || Number(pid) === process.pid) continue
    // The process may have ended since the folder was listed.
    const args = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '')
    if (args.includes(word)) found.push(Number(pid))
  }
  return found
}

/** Whether a process still runs. A zombie does not count: if its parent has ended, it may stay a zombie for long. */
export async function isRunning(pid: string): Promise<boolean> {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '')
  return stat !== '' && !stat.slice(stat.lastIndexOf(')')).startsWith(') Z')
}

/** A JWT with these claims, and an invalid signature. No test checks the signature. */
export function jwt(claims: Record<string, unknown>): string {
  const part = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url')
  return `${part({ alg: 'none' })}.${part(claims)}.c2ln`
}

export const JSON_TYPE = { 'content-type': 'application/json' }

/** Starts a server, and closes it after the test. */
export async function serve(
  handler: (request: Recorded, response: ServerResponse) => unknown,
): Promise<RecordingServer> {
  const server = await startRecordingServer(handler)
  onTestFinished(() => server.close())
  return server
}

/** Starts a server that sends the same response to every request. */
export const answering = (
  body: unknown,
  status = 200,
  headers: Record<string, string> = {},
): Promise<RecordingServer> =>
  serve((_, response) => {
    const text = typeof body === 'string' ? body : JSON.stringify(body)
    response.writeHead(status, { ...JSON_TYPE, ...headers }).end(text)
  })

/** Notices when the client has closed its connection to a server. */
export class Gone {
  isGone = false
  #resolve = (): void => undefined
  readonly gone = new Promise<void>((resolve) => {
    this.#resolve = resolve
  })

  watch(response: ServerResponse): void {
    response.once('close', () => {
      this.isGone = true
      this.#resolve()
    })
  }
}
