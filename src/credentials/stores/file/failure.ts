import { RefreshError } from '../../../core/errors.ts'

const MENDING: Readonly<Record<string, string>> = {
  ENOSPC: 'the disk is full: make room, or choose another folder',
  EDQUOT: 'the quota of this user is used up: make room, or choose another folder',
  EROFS: 'the file system is read-only: choose another folder',
  EACCES: 'this user may not: change its permissions, or choose another folder',
  EPERM: 'this user may not, or the file system knows no hard links: choose another folder',
  ENOTSUP: 'the file system knows no hard links: choose another folder',
  EOPNOTSUPP: 'the file system knows no hard links: choose another folder',
  ENOTDIR: 'a part of the path is no folder',
  EEXIST: 'there is something else of that name, or a link that leads nowhere',
  ENOENT: 'it was removed meanwhile, or a link leads nowhere',
  ELOOP: 'its links lead in a circle',
  EMFILE: 'this process has too many files open',
  ENFILE: 'this machine has too many files open',
}

/** What went wrong with the files in a folder, and how to mend it. */
export function failure(error: unknown, path: string): RefreshError {
  if (error instanceof RefreshError) return error
  const code = codeOf(error)
  const why = typeof code === 'string' ? (MENDING[code] ?? code) : 'see the cause'
  return new RefreshError('store_failed', `The folder ${path} cannot be used: ${why}.`, { cause: error })
}

/** What a file system call gives, or undefined where there is no such file. */
export async function present<R>(calling: Promise<R>): Promise<R | undefined> {
  try {
    return await calling
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return undefined
    throw error
  }
}

/** The name of a system's error, such as ENOENT. */
export function codeOf(error: unknown): unknown {
  return Reflect.get(Object(error), 'code')
}
