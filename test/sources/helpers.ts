import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import type { ServerResponse } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { inspect } from 'node:util'
import { onTestFinished } from 'vitest'
import { type AccessToken, RefreshError, type Source, type SourceContext } from '../../src/index.ts'
import { type Recorded, type RecordingServer, startRecordingServer } from '../support/recording-server.ts'

/** A folder that goes with the test. */
export async function temporaryFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'sources-'))
  onTestFinished(() => rm(folder, { recursive: true, force: true }))
  return folder
}

/** An executable shell script. Its `$0` tells where it is. */
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

/** What a source fails with. */
export async function failure(issued: Promise<unknown>): Promise<RefreshError> {
  const error = await issued.then(
    (value) => new Error(`It did not fail: ${inspect(value)}`),
    (reason: unknown) => reason,
  )
  if (error instanceof RefreshError) return error
  throw error
}

/** Every way in which people print things; of errors, what is underneath, too. */
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

/** The processes, by id, whose arguments hold a word. */
export async function processesWith(word: string): Promise<number[]> {
  const found: number[] = []
  for (const pid of await readdir('/proc')) {
    if (!/^\d+$/.test(pid) || Number(pid) === process.pid) continue
    // It may be gone by now.
    const args = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '')
    if (args.includes(word)) found.push(Number(pid))
  }
  return found
}

/** Whether a process still does anything: where its parent is gone, nobody may take note that it has ended. */
export async function isRunning(pid: string): Promise<boolean> {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '')
  return stat !== '' && !stat.slice(stat.lastIndexOf(')')).startsWith(') Z')
}

/** A JWT with these claims; nobody checks its signature. */
export function jwt(claims: Record<string, unknown>): string {
  const part = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url')
  return `${part({ alg: 'none' })}.${part(claims)}.c2ln`
}

export const JSON_TYPE = { 'content-type': 'application/json' }

/** A server that goes with the test. */
export async function serve(
  handler: (request: Recorded, response: ServerResponse) => unknown,
): Promise<RecordingServer> {
  const server = await startRecordingServer(handler)
  onTestFinished(() => server.close())
  return server
}

/** A server that always answers the same. */
export const answering = (
  body: unknown,
  status = 200,
  headers: Record<string, string> = {},
): Promise<RecordingServer> =>
  serve((_, response) => {
    const text = typeof body === 'string' ? body : JSON.stringify(body)
    response.writeHead(status, { ...JSON_TYPE, ...headers }).end(text)
  })

/** Tells when the client of a server has hung up. */
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
