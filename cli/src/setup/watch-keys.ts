import { stat } from 'node:fs/promises'
import { keyFile, readKeys, type StoredKey } from './key-file.ts'

/** ms: so soon a key that was added or removed counts. */
const LOOKED_AGAIN = 500

export interface WatchedKeys {
  /** What the file held at first. */
  readonly keys: readonly StoredKey[]
  /** Tells of each later content, and of each content that cannot be read. */
  readonly start: (onKeys: (keys: readonly StoredKey[]) => void, onError: (error: unknown) => void) => void
  readonly stop: () => void
}

/**
 * Reads the file of keys, and reads it again whenever it has changed.
 *
 * The file is looked at before it is read. A change that comes between a read and the next look is
 * therefore never missed, as it would be if watching began after the read.
 *
 * @throws Fault if the file cannot be read at first
 */
export async function watchKeys(path: string = keyFile()): Promise<WatchedKeys> {
  let seen = await lookAt(path)
  let timer: NodeJS.Timeout | undefined
  let isStopped = false
  return {
    keys: await readKeys(path),
    start(onKeys, onError) {
      const look = async (): Promise<void> => {
        const found = await lookAt(path)
        if (found !== seen) {
          seen = found
          await readKeys(path).then(onKeys, onError)
        }
        if (!isStopped) timer = setTimeout(() => void look(), LOOKED_AGAIN).unref()
      }
      void look()
    },
    stop() {
      isStopped = true
      clearTimeout(timer)
    },
  }
}

/** What the file looks like: it has changed if this has. An error's code, if nobody can look. */
async function lookAt(path: string): Promise<string> {
  try {
    const { dev, ino, mode, uid, size, mtimeNs, ctimeNs } = await stat(path, { bigint: true })
    return [dev, ino, mode, uid, size, mtimeNs, ctimeNs].join(' ')
  } catch (error) {
    return String(Reflect.get(Object(error), 'code'))
  }
}
