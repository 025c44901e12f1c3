import { constants } from 'node:fs'
import { type FileHandle, open, realpath, stat } from 'node:fs/promises'
import { dirname } from 'node:path'
import { EXIT, Fault, wrongInput } from '../lib/fault.ts'
import { commandLine } from '../lib/shell.ts'
import { textOf } from '../lib/text.ts'
import type { Location } from './locate.ts'

/** The largest configuration, in bytes. */
const LIMIT = 131_072
const WRITABLE_BY_OTHERS = 0o022
const STICKY = 0o1000

/**
 * Reads the text of the configuration file. It refuses a file that another user could have written, because the file can run commands and
 * decides where tokens go.
 *
 * @throws Fault
 */
export async function readConfigFile({ path, from }: Location): Promise<string> {
  let handle: FileHandle | undefined
  try {
    handle = await open(path, constants.O_RDONLY | (constants.O_NONBLOCK ?? 0))
    const stats = await handle.stat()
    if (!stats.isFile()) throw wrongInput(`${path} is no file.`)
    checkOwner(path, stats)
    await checkFolders(path)
    if (stats.size > LIMIT)
      throw wrongInput(`${path} is larger than 128 KiB.`, 'Split it, and choose one with --config.')
    return textOf(await handle.readFile())
  } catch (error) {
    if (error instanceof Fault) throw error
    const code: unknown = Reflect.get(Object(error), 'code')
    if (code === 'ENOENT') throw missing(path, from)
    throw new Fault(
      EXIT.wrongInput,
      `The configuration ${path} cannot be read (${String(code)}).`,
      'Check its owner and its mode.',
    )
  } finally {
    await handle?.close()
  }
}

function missing(path: string, from: Location['from']): Fault {
  const how =
    from === 'default'
      ? `Run: ${commandLine(['llm-refresh', 'login', 'NAME'])}, which asks for the server and writes the file. docs/cli.md has an example.`
      : `Is the path in ${from} right?`
  return wrongInput(`There is no configuration at ${path}.`, how)
}

function checkOwner(path: string, { uid, mode }: { readonly uid: number; readonly mode: number }): void {
  const mine = process.getuid?.()
  if (mine === undefined) return
  if (uid !== mine && uid !== 0) {
    throw wrongInput(
      `The configuration ${path} belongs to another user, who could change where tokens go.`,
      `Run: ${commandLine(['sudo', 'chown', String(mine), path])}`,
    )
  }
  if ((mode & WRITABLE_BY_OTHERS) !== 0) {
    throw wrongInput(
      `Other users may write to the configuration ${path}, and could change where tokens go.`,
      `Run: ${commandLine(['chmod', 'go-w', path])}`,
    )
  }
}

/**
 * Refuses a folder above the file that another user may write to, because that user could replace the file. In a sticky folder the user
 * could not.
 */
async function checkFolders(path: string): Promise<void> {
  const mine = process.getuid?.()
  if (mine === undefined) return
  const folders = new Set([path, await realpath(path)].flatMap(above))
  for (const folder of folders) {
    const { uid, mode } = await stat(folder)
    const isSticky = (mode & STICKY) !== 0
    if ((mode & WRITABLE_BY_OTHERS) !== 0 && !isSticky) {
      throw wrongInput(
        `Other users may write to ${folder}, above the configuration ${path}, and could replace it.`,
        `Run: ${commandLine(['chmod', 'go-w', folder])}`,
      )
    }
    if (uid !== mine && uid !== 0) {
      throw wrongInput(
        `${folder}, above the configuration ${path}, belongs to another user, who could replace it.`,
        'Keep the configuration in a folder of your own.',
      )
    }
  }
}

function above(path: string): string[] {
  const folder = dirname(path)
  return folder === path ? [] : [folder, ...above(folder)]
}
