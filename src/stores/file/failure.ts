import { RefreshError } from '../../errors.ts'

const MENDING: Readonly<Record<string, string>> = {
  ENOSPC: 'the disk is full. Make room, or choose another folder',
  EDQUOT: 'the quota of this user is used up. Make room, or choose another folder',
  EROFS: 'its file system is read-only. Mount it writable, or choose another folder',
  EACCES: 'this user lacks the permission. Change its permissions (chmod, chown), or choose another folder',
  EPERM:
    'this user lacks the permission, or the file system knows no hard links. Change its permissions, or choose another folder',
  ENOTSUP: 'the file system knows no hard links. Choose a folder on another one',
  EOPNOTSUPP: 'the file system knows no hard links. Choose a folder on another one',
  ENOTDIR: 'a part of the path is no folder. Move that file away, or choose another folder',
  EEXIST:
    'there is something else of that name, or a link that leads nowhere. Move it away, or choose another folder',
  ENOENT:
    'it was removed meanwhile, or a link leads nowhere. Make the folder that is missing, or choose another one',
  ELOOP: 'its links lead in a circle. Remove one of them, or choose another folder',
  ENAMETOOLONG: 'its path is too long. Choose a shorter one',
  EMFILE: 'this process has too many files open. Raise its limit (ulimit -n), or close some',
  ENFILE: 'this machine has too many files open. Raise its limit, or close some',
  EIO: 'the disk failed. Check it, or choose another folder',
}

/** The error for a failed file operation, with its remedy. */
export function failure(error: unknown, path: string): RefreshError {
  if (error instanceof RefreshError) return error
  const code = String(codeOf(error))
  const why = MENDING[code] ?? `the file system said ${code}, see the cause`
  return new RefreshError('store_failed', `The folder ${path} cannot be used: ${why}.`, { cause: error })
}

/** The result of a file system call, or undefined if the file does not exist. */
export async function present<R>(calling: Promise<R>): Promise<R | undefined> {
  try {
    return await calling
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return undefined
    throw error
  }
}

/** The name of a system error, such as ENOENT. */
export function codeOf(error: unknown): unknown {
  return Reflect.get(Object(error), 'code')
}
