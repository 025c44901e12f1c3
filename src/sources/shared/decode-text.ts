import { utf8 } from '../../lib/utf8.ts'

/**
 * Decodes a text. It is UTF-8, unless its first bytes or its label name another encoding. Bytes that cannot be decoded become U+FFFD.
 *
 * @param charset the encoding that the label names
 */
export function decodeText(bytes: Uint8Array, charset?: string): string {
  const [first, second] = bytes
  if (first === undefined || second === undefined) return decoderFor(charset).decode(bytes)
  // A byte order mark tells UTF-16. So does a zero byte beside an ASCII character: Windows PowerShell writes no mark.
  if ((first === 0xff && second === 0xfe) || (first > 0 && second === 0)) {
    return decoderFor('utf-16le').decode(bytes)
  }
  if ((first === 0xfe && second === 0xff) || (first === 0 && second > 0)) {
    return decoderFor('utf-16be').decode(bytes)
  }
  return decoderFor(charset).decode(bytes)
}

function decoderFor(charset: string | undefined): { decode(bytes: Uint8Array): string } {
  try {
    return charset === undefined ? utf8() : new TextDecoder(charset)
  } catch {
    // The platform does not know this encoding.
    return utf8()
  }
}
