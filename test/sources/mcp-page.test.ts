import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { z } from 'zod'
import { createCredential, refreshingFetch, RefreshError, type Source } from '../../src/index.ts'
import { temporaryFolder } from '../support/folder.ts'
import { codeOf } from '../support/pages.ts'

const root = new URL('../../', import.meta.url)

function read(path: string): Promise<string> {
  return readFile(fileURLToPath(new URL(path, root)), 'utf8')
}

const Page = z.object({
  use: z.custom<(credential: unknown) => void>((value) => typeof value === 'function'),
  withLogin: z.custom<<T>(call: () => Promise<T>) => Promise<T>>((value) => typeof value === 'function'),
})

/** The members that an interface declares itself, without inherited ones. */
function membersOf(source: string, name: string): string[] {
  const [, body = ''] = new RegExp(`interface ${name}\\b[^{]*\\{\\n(.*?)\\n\\}`, 's').exec(source) ?? []
  return [...body.matchAll(/^ {2}(?:readonly )?(\w+)\??:/gm)].map(([, member = '']) => member)
}

test('[A1, A5] given the options in the source, when the page on MCP is read, then it lists each of them, and no other', async () => {
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
  const ended = new RefreshError('reauthentication_required', 'The server refuses the login.')
  const issue: Source['issue'] = async ({ current }) => {
    if (current) throw ended
    return { accessToken: 'first' }
  }
  const credential = createCredential({ source: { issue } })
  const file = join(await temporaryFolder(), 'page.ts')
  const given = 'export let credential\nexport const use = (given) => { credential = given }'
  await writeFile(file, code.replace(/^declare .*$/m, given))
  const { use, withLogin } = Page.parse(await import(file))
  use(credential)
  const server: typeof fetch = async (_url, init) =>
    new Response('', { status: new Headers(init?.headers).has('x-fails') ? 500 : 401 })
  const send = refreshingFetch(credential, { origins: 'https://mcp.example.com', fetch: server })
  // An MCP client throws an error that holds only the status.
  const call = (headers: Record<string, string>) => async (): Promise<never> => {
    const { status } = await send('https://mcp.example.com/mcp', { headers })
    throw new Error(`Error POSTing to endpoint: ${status}`)
  }
  await expect(withLogin(call({ 'x-fails': 'yes' }))).rejects.toThrow('Error POSTing to endpoint: 500')
  await expect(withLogin(call({}))).rejects.toMatchObject({
    message: 'Log in again: The server refuses the login.',
    cause: new Error('Error POSTing to endpoint: 401'),
  })
})
