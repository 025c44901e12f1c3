/** Reads bytes as text, piece by piece. */
export interface Utf8 {
  decode(bytes?: Uint8Array, options?: { readonly stream?: boolean }): string
}

/** The platform's decoder. Older React Natives have none: then each piece is read by itself, and one that is cut within a character as Latin-1. */
export function utf8(): Utf8 {
  return typeof TextDecoder === 'function' ? new TextDecoder() : { decode: (bytes) => read(bytes ?? []) }
}

let whole: Utf8 | undefined

/** Reads bytes as text, all at once. */
export function decoded(bytes: Uint8Array): string {
  whole ??= utf8()
  return whole.decode(bytes)
}

function read(bytes: Iterable<number>): string {
  const hex = Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0'))
  try {
    return decodeURIComponent(hex.map((pair) => `%${pair}`).join(''))
  } catch {
    return hex.map((pair) => String.fromCharCode(Number.parseInt(pair, 16))).join('')
  }
}
