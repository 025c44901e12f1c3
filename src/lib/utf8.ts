/** Reads bytes as text, piece by piece. */
export interface Utf8 {
  decode(bytes?: Uint8Array, options?: { readonly stream?: boolean }): string
}

/**
 * The platform's decoder. An older React Native has none: there each piece is read by itself, and a piece that ends within a character is
 * read as Latin-1.
 */
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
