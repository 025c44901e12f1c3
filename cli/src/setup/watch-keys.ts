import { stat } from 'node:fs/promises'
import { keyFile, readKeys, type StoredKey } from './key-file.ts'

/** The pause between two looks at the file, in ms. So soon a change of the keys takes effect. */
const LOOKED_AGAIN = 500

export interface WatchedKeys {
  /** The keys in the file at first. */
  readonly keys: readonly StoredKey[]
  /** Begins to watch. Each later content goes to `onKeys`. A content that cannot be read goes to `onError`. */
  readonly start: (onKeys: (keys: readonly StoredKey[]) => void, onError: (error: unknown) => void) => void
  readonly stop: () => void
}

/**
 * Reads the file of keys, and reads it again whenever it has changed.
 *
 * It looks at the file before it reads the file. So the next look notices a change during the read. If watching began after the read, that
 * change would be missed.
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

/** The state of the file, as a text: if the text differs, the file has changed. An error's code if no look is possible. */
async function lookAt(path: string): Promise<string> {
  try {
    const { dev, ino, mode, uid, size, mtimeNs, ctimeNs } = await stat(path, { bigint: true })
    return [dev, ino, mode, uid, size, mtimeNs, ctimeNs].join(' ')
  } catch (error) {
    return String(Reflect.get(Object(error), 'code'))
  }
}
