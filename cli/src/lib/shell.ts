/** Matches a word that needs no quotes in any shell. */
const PLAIN = /^[\w@%+=:,./-]+$/

/**
 * A command line for a person to copy. Its quotes suit the shell that the person most likely uses.
 *
 * @param platform `process.platform`
 */
export function commandLine(words: readonly string[], platform: string = process.platform): string {
  return words.map((word) => (platform === 'win32' ? quotedForWindows(word) : quoted(word))).join(' ')
}

function quoted(word: string): string {
  return PLAIN.test(word) ? word : `'${word.replaceAll("'", String.raw`'\''`)}'`
}

/**
 * Quotes a word for Windows. PowerShell and cmd.exe both understand double quotes. Characters that either would expand are quoted for
 * PowerShell, because most people use it.
 */
function quotedForWindows(word: string): string {
  if (/^[\w@+=:,./\\-]+$/.test(word) && !word.startsWith('@')) return word
  return /["$`%]/.test(word) ? `'${word.replaceAll("'", "''")}'` : `"${word}"`
}
