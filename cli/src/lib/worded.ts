/** Phrases in the library's messages that tell a programmer what to do, and what a person at the command line does instead. */
const WORDS: readonly (readonly [RegExp, string])[] = [
  [/\bgive mcp\(\) the 'clientId' ('[^']*')/gi, 'set "clientId" in the configuration to $1'],
  [/\bgive mcpLogin\(\) and mcp\(\) the same 'clientId'/gi, 'set "clientId" in the configuration'],
  [/ (?:with|by) (?:mcpLogin|browserLogin|deviceLogin)\(\)/g, ''],
  [/ in mcp\(\)/g, ' in the configuration'],
  [/, or give the refresh token in grant\.refreshToken(?=\.)/g, ''],
]

/** A message of the library, worded for a person who does not program with it. */
export function worded(message: string): string {
  return WORDS.reduce((said, [from, to]) => said.replaceAll(from, to), message)
}
