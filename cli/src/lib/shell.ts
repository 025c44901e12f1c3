/** Words that no shell reads in another way. */
const PLAIN = /^[\w@%+=:,./-]+$/

/**
 * A command line for a person to copy, quoted for the shell that they most likely use.
 *
 * @param platform `process.platform`
 */
export function commandLine(words: readonly string[], platform: string = process.platform): string {
  return words.map((word) => (platform === 'win32' ? quotedForWindows(word) : quoted(word))).join(' ')
}

function quoted(word: string): string {
  return PLAIN.test(word) ? word : `'${word.replaceAll("'", String.raw`'\''`)}'`
}

/** PowerShell and cmd.exe both take double quotes. What either would expand is quoted for PowerShell, where most people are. */
function quotedForWindows(word: string): string {
  if (/^[\w@+=:,./\\-]+$/.test(word) && !word.startsWith('@')) return word
  return /["$`%]/.test(word) ? `'${word.replaceAll("'", "''")}'` : `"${word}"`
}
