import { execFile } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'
import { codeOf, project, tsx } from '../support/pages.ts'

const root = new URL('../../', import.meta.url)

function read(path: string): Promise<string> {
  return readFile(fileURLToPath(new URL(path, root)), 'utf8')
}

/** The members that an interface declares by itself. */
function membersOf(source: string, name: string): string[] {
  const [, body = ''] = new RegExp(`interface ${name}\\b[^{]*\\{\\n(.*?)\\n\\}`, 's').exec(source) ?? []
  return [...body.matchAll(/^ {2}(?:readonly )?(\w+)\??:/gm)].map(([, member = '']) => member)
}

test('[A1, A5] given the options in the source, then the page of MCP has each of them, and no other', async () => {
  const options = await read('src/sources/mcp/options.ts')
  const http = await read('src/sources/shared/token-request.ts')
  const page = await read('docs/mcp.md')
  const [, tables = ''] = /^## Options\n(.*?)^## /ms.exec(page) ?? []
  const [shared = '', own = '', methods = ''] = tables
    .split(/(?=^\| (?:option|more for|method)[^\n]*\n\| ---)/m)
    .slice(1)
  const first = (table: string, column: number): string[] =>
    table
      .split('\n')
      .filter((line) => line.startsWith('| '))
      .slice(2)
      .flatMap((line) =>
        [...(line.split('|')[column] ?? '').matchAll(/`(\w+)`/g)].map(([, name = '']) => name),
      )
  expect(first(shared, 1).length).toBeGreaterThan(10)
  expect(first(own, 2).length).toBeGreaterThan(3)
  expect(first(shared, 1).toSorted()).toEqual(
    [...membersOf(options, 'McpClient'), ...membersOf(http, 'TokenRequestOptions')].toSorted(),
  )
  expect(first(own, 2).toSorted()).toEqual(
    [...membersOf(options, 'McpOptions'), ...membersOf(options, 'McpLoginOptions')].toSorted(),
  )
  const rowOf = (name: string): string =>
    methods.split('\n').find((line) => line.startsWith(`| \`${name}(`)) ?? ''
  const all = {
    begin: membersOf(options, 'McpBeginOptions'),
    finish: membersOf(options, 'McpFinishOptions'),
    inBrowser: [...membersOf(options, 'McpBrowserOptions'), ...membersOf(options, 'McpBeginOptions')],
  }
  for (const [name, members] of Object.entries(all)) {
    expect(members.length).toBeGreaterThan(1)
    const [, , named = ''] = rowOf(name).split('|')
    for (const member of members)
      expect([name, named]).toEqual([name, expect.stringContaining(`\`${member}\``)])
  }
})

test('[A3] given the page of MCP, when a call fails because the login has ended, then the error says so; another failure stays as it is', async () => {
  const code = (await codeOf('mcp')).find((block) => block.includes('withLogin')) ?? expect.fail()
  const folder = await project({
    'example.mts': `
      import { createCredential, refreshingFetch, RefreshError } from 'llm-refresh'
      const ended = new RefreshError('reauthentication_required', 'The server refuses the login.')
      const credential = createCredential({
        source: { issue: async ({ current }) => { if (current) throw ended; return { accessToken: 'first' } } },
      })
      ${code.replace(/^import .*$/m, '').replace(/^declare .*$/m, '')}
      const server = async (_url, init) =>
        new Response('', { status: new Headers(init.headers).get('x-fails') ? 500 : 401 })
      const fetch = refreshingFetch(credential, { origins: 'https://mcp.example.com', fetch: server })
      // As an MCP client does: it knows nothing but the status.
      const call = (headers) => async () => {
        const { status } = await fetch('https://mcp.example.com/mcp', { headers })
        throw new Error('Error POSTing to endpoint: ' + status)
      }
      for (const headers of [{ 'x-fails': 'yes' }, {}]) {
        await withLogin(call(headers)).catch(({ message, cause }) => console.log(message, cause?.message))
      }`,
  })
  const { stdout } = await promisify(execFile)(process.execPath, [tsx, 'example.mts'], { cwd: folder })
  expect(stdout.trimEnd().split('\n')).toEqual([
    'Error POSTing to endpoint: 500 undefined',
    'Log in again: The server refuses the login. Error POSTing to endpoint: 401',
  ])
}, 30_000)
