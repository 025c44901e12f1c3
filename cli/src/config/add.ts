import { randomUUID } from 'node:crypto'
import { mkdir, realpath, rename, rm, stat, writeFile } from 'node:fs/promises'
import { dirname } from 'node:path'
import { applyEdits, modify } from 'jsonc-parser'
import type { CredentialDefinition } from './credentials.ts'
import { readConfigFile } from './file.ts'
import { locate } from './locate.ts'
import { parseConfig } from './parse.ts'
import { type Config, isMissing } from './read.ts'

const FORMAT = { formattingOptions: { insertSpaces: true, tabSize: 2, eol: '\n' } }

/**
 * Adds a credential to the configuration, and leaves the rest of its text, comments too. What readers see is always whole.
 *
 * @param option what `--config` named
 * @throws Fault where the configuration would not be good with it; then nothing is written
 */
export async function addCredential(
  option: string | undefined,
  name: string,
  definition: CredentialDefinition,
): Promise<Config> {
  const location = locate(option)
  const isNew = await isMissing(location)
  const before = isNew ? '{\n  "version": 1\n}\n' : await readConfigFile(location)
  const text = applyEdits(before, modify(before, ['credentials', name], definition, FORMAT))
  const config = parseConfig(location, text)
  if (isNew) await mkdir(dirname(location.path), { recursive: true, mode: 0o700 })
  // A link stays one: the file that it leads to is replaced.
  const path = isNew ? location.path : await realpath(location.path)
  const mode = isNew ? 0o600 : (await stat(path)).mode & 0o777
  const written = `${path}.${randomUUID()}`
  try {
    await writeFile(written, text, { mode, flag: 'wx', flush: true })
    await rename(written, path)
  } finally {
    await rm(written, { force: true })
  }
  return config
}
