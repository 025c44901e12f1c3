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
 * Adds a credential to the configuration file. The rest of the text stays, comments included. A reader never sees half a file.
 *
 * @param option the value of `--config`
 * @throws Fault if the result would not be a valid configuration. Nothing is written then
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
  // If the path is a link, replace the file that it leads to, and keep the link.
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
