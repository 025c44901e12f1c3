import { utf8 } from '../../lib/utf8.ts'

/**
 * Text that is UTF-8, or says otherwise by its first bytes or by its label. What cannot be decoded becomes U+FFFD.
 *
 * @param charset as labelled
 */
export function decodeText(bytes: Uint8Array, charset?: string): string {
  const [first, second] = bytes
  if (first === undefined || second === undefined) return decoderFor(charset).decode(bytes)
  // A mark of byte order; or a zero beside an ASCII character, as Windows PowerShell writes it.
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
    // No platform knows all of them.
    return utf8()
  }
}
