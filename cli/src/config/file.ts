import { constants } from 'node:fs'
import { type FileHandle, open, stat } from 'node:fs/promises'
import { dirname } from 'node:path'
import { EXIT, Fault, wrongInput } from '../lib/fault.ts'
import { commandLine } from '../lib/shell.ts'
import type { Location } from './locate.ts'

/** bytes */
const LIMIT = 1_048_576
const WRITABLE_BY_OTHERS = 0o022
const STICKY = 0o1000

/**
 * The text of the configuration file. A file that another user could have written decides nothing: it could run commands and choose
 * where tokens go.
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
    await checkFolder(dirname(path))
    if (stats.size > LIMIT) throw wrongInput(`${path} is larger than 1 MiB.`)
    return await handle.readFile('utf8')
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
      ? 'Write it, or name another with --config or LLM_REFRESH_CONFIG.'
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

/** In a folder that others may write to, they can put another file in place of this one; a sticky one keeps them from it. */
async function checkFolder(path: string): Promise<void> {
  if (process.getuid === undefined) return
  const { mode } = await stat(path)
  if ((mode & WRITABLE_BY_OTHERS) === 0 || (mode & STICKY) !== 0) return
  throw wrongInput(
    `Other users may write to ${path}, the folder of the configuration, and could replace the file.`,
    `Run: ${commandLine(['chmod', 'go-w', path])}`,
  )
}
