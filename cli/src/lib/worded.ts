/** What a program would call or pass, as the library's messages say it, and what a person at the command line does. */
const WORDS: readonly (readonly [RegExp, string])[] = [
  [/\bgive mcp\(\) the 'clientId' ('[^']*')/gi, 'set "clientId" in the configuration to $1'],
  [/\bgive mcpLogin\(\) and mcp\(\) the same 'clientId'/gi, 'set "clientId" in the configuration'],
  [/ (?:with|by) (?:mcpLogin|browserLogin|deviceLogin)\(\)/g, ''],
  [/ in mcp\(\)/g, ' in the configuration'],
  [/, or give the refresh token in grant\.refreshToken(?=\.)/g, ''],
]

/** A message of the library, for whoever knows no function of it. */
export function worded(message: string): string {
  return WORDS.reduce((said, [from, to]) => said.replaceAll(from, to), message)
}
