/** Decodes a file that a person wrote. It is UTF-8, or UTF-16 if its first bytes say so: Windows PowerShell writes UTF-16. */
export function textOf(bytes: Uint8Array): string {
  const [first, second] = bytes
  const isLittle = first === 0xff && second === 0xfe
  const isBig = first === 0xfe && second === 0xff
  return new TextDecoder(isLittle ? 'utf-16le' : isBig ? 'utf-16be' : 'utf-8').decode(bytes)
}
