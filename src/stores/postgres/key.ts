/** The beginning of a stored key that is encoded as JSON. */
const MARK = 'json:'

/** The key as the server can store it: unchanged, or as JSON if it has characters that no `text` can hold, or begins with the mark. */
export function encodeKey(key: string): string {
  return /[\0\p{Surrogate}]/u.test(key) || key.startsWith(MARK) ? MARK + JSON.stringify(key) : key
}

export function decodeKey(stored: string): string {
  if (!stored.startsWith(MARK)) return stored
  try {
    const key: unknown = JSON.parse(stored.slice(MARK.length))
    return typeof key === 'string' ? key : stored
  } catch {
    return stored
  }
}

/**
 * The name of a key in notifications: a hash, because every user of the database may receive them. If two keys have the same topic, they
 * only wake each other's waiters.
 */
export function topicOf(key: string): string {
  let hash = 0x81_1c_9d_c5 // FNV-1a
  for (const byte of new TextEncoder().encode(key)) hash = Math.imul(hash ^ byte, 0x01_00_01_93)
  return (hash >>> 0).toString(16).padStart(8, '0')
}
