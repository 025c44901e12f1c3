import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll } from 'vitest'
import { bundle } from '../support/bundle.ts'

/** A program of this folder as one file. It goes when the tests are over. */
export async function bundled(name: string): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'llm-refresh-test-'))
  afterAll(() => rm(folder, { recursive: true, force: true }))
  return bundle(new URL(`${name}.ts`, import.meta.url), join(folder, `${name}.mjs`))
}
