/**
 * Writes docs/mcp-conformance.md from test/mcp-conformance/requirements.ts and scenarios.ts.
 *
 *     tsx scripts/mcp-conformance.ts            # --check fails if the page is out of date
 */
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { type Shown, type Text, TEXTS } from '../test/mcp-conformance/requirements.ts'
import { NOT_APPLICABLE, REVISIONS } from '../test/mcp-conformance/scenarios.ts'

const page = fileURLToPath(new URL('../docs/mcp-conformance.md', import.meta.url))
const { values } = parseArgs({ options: { check: { type: 'boolean', default: false } } })

const INTRODUCTION = `# MCP: conformance of the client

This page lists what the MCP specification of 2026-07-28, and the RFCs that it names, demand of a client's authorization: each MUST and MUST NOT, in our words. It includes the demands of 2025-11-25 on a client, and leaves out requirements on servers.
Each row names the [promise](promises.md) and the tests that show how the library meets the demand, or the reason why the demand does not apply.
[MCP](mcp.md) explains how to use the source. \`npm run pages\` writes this page from \`test/mcp-conformance\`, and a test fails if the page names a test that does not exist.

## The conformance suite

\`@modelcontextprotocol/conformance\` is the protocol's own suite. \`test/mcp-conformance/client.ts\` is the client that it starts: the official SDK's transport over \`refreshingFetch()\`, \`mcp()\`
and \`mcpLogin()\`. It passes every authorization scenario for clients, as revision ${REVISIONS.join(' and as ')}, and the extensions for client credentials, enterprise-managed authorization and workload
identity. These do not apply:

| scenario | why |
| --- | --- |
`

function cell(text: string): string {
  return text.replaceAll('|', '\\|')
}

function shown({ promises, tests = [], scenarios = [], note }: Shown): string {
  const linked = promises.map((id) => `[${id}](promises.md)`).join(', ')
  const named = tests.map((title) => `“${title.replace(/^\[[^\]]*\] /, '')}”`)
  const run = scenarios.map((name) => `\`${name}\``)
  const proofs = [...named, ...(run.length === 0 ? [] : [run.join(', ')])].join('; ')
  return `${linked}: ${proofs === '' ? 'see there' : proofs}.${note === undefined ? '' : ` ${note}`}`
}

function section({ title, url, requirements }: Text): string {
  const rows = requirements.map((requirement) => {
    const { must, by } = requirement
    const how = typeof by === 'string' ? `Does not apply. ${by}` : shown(by)
    return `| ${cell(must)} | ${requirement.section} | ${cell(how)} |\n`
  })
  return `\n## ${title}\n\n[The text](${url})\n\n| demand | section | how it is met |\n| --- | --- | --- |\n${rows.join('')}`
}

const skipped = Object.entries(NOT_APPLICABLE).map(([name, why]) => `| \`${name}\` | ${cell(why)} |\n`)
const after = INTRODUCTION + skipped.join('') + TEXTS.map(section).join('')
const before = existsSync(page) ? readFileSync(page, 'utf8') : ''
if (values.check && after !== before) {
  console.error('docs/mcp-conformance.md is out of date: run `npm run pages`.')
  process.exitCode = 1
} else if (after !== before) writeFileSync(page, after)
