import { execFileSync } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { startTokenEndpoint } from '../../test/fleet/outage-endpoint.ts'
import type { World } from '../../test/fleet/outage.ts'
import { makePrograms } from '../../test/support/programs.ts'

/** One measured figure, and its limit. */
export interface Figure {
  readonly what: string
  readonly figure: string
  readonly limit: string
  readonly isMet: boolean
}

/** Runs measurements, and calls `tell` with each figure as soon as it is known. */
export type Battery = (tell: (figure: Figure) => void) => Promise<void>

/** Sets up a folder, the programs for processes, and a token endpoint. Removes all of them after `use`. */
export async function withWorld<T>(
  use: (world: World & { readonly folder: string }) => Promise<T>,
): Promise<T> {
  const folder = await mkdtemp(join(tmpdir(), 'llm-refresh-trial-'))
  const [endpoint, removePrograms] = await Promise.all([startTokenEndpoint(), makePrograms()])
  try {
    return await use({ endpoint, folder })
  } finally {
    await endpoint.close()
    await removePrograms()
    // A process that was just killed may still have written to the folder, so we retry.
    await rm(folder, { recursive: true, force: true, maxRetries: 10, retryDelay: 200 })
  }
}

/** A whole number from a variable of the environment. */
export function setting(name: string, otherwise: number): number {
  return Number(process.env[name] ?? otherwise)
}

/** A list of numbers from a variable of the environment, separated by blanks. */
export function list(name: string, otherwise: readonly number[]): readonly number[] {
  return process.env[name]?.split(/\s+/u).map(Number) ?? otherwise
}

/** The tested commit. */
export function commit(): string {
  const git = (...args: string[]): string => execFileSync('git', args, { encoding: 'utf8' }).trim()
  const isChanged = git('status', '--porcelain', '--', 'src') !== ''
  return `${git('rev-parse', '--short', 'HEAD')}${isChanged ? ' with changes in src' : ''}`
}

export function seconds(ms: number | undefined): string {
  return ms === undefined ? '–' : `${(ms / 1_000).toFixed(2)} s`
}

/** Outcomes as a text, such as `served 12, refresh_timeout 3`. */
export function counts(of: Readonly<Record<string, number>>): string {
  return Object.entries(of)
    .map(([name, times]) => `${name} ${times}`)
    .join(', ')
}
