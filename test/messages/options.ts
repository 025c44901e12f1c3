import {
  createCredential,
  createCredentialPool,
  memoryStore,
  Refreshable,
  refreshingFetch,
} from '../../src/index.ts'
import { createProxy, createProxyKey } from '../../src/proxy/index.ts'
import { aws } from '../../src/sources/aws.ts'
import { azure } from '../../src/sources/azure.ts'
import { command } from '../../src/sources/command/index.ts'
import { env } from '../../src/sources/env.ts'
import { file } from '../../src/sources/file.ts'
import { google } from '../../src/sources/google.ts'
import { mcp, mcpLogin } from '../../src/sources/mcp/index.ts'
import { deviceLogin, oauth } from '../../src/sources/oauth/index.ts'
import { workload } from '../../src/sources/workload/index.ts'
import { fileStore } from '../../src/stores/file/index.ts'
import { sealedStore } from '../../src/stores/sealed/index.ts'
import { refreshingInterceptor } from '../../src/surfaces/undici/index.ts'
import { produce, type Situation, STOPPED } from './situation.ts'

type Options = Readonly<Record<string, unknown>>
type Make = (options: never) => unknown

const client = { tokenEndpoint: 'https://auth.example.com/token', clientId: 'app' }
const cell = new Refreshable({ refresh: async () => 'a' })
const source = { issue: async () => ({ accessToken: 'a' }) }
const route = { to: 'https://api.example.com', credential: cell }
const { entry } = createProxyKey({ name: 'laptop' })

/** Everything that takes options, with those that are right. */
const MADE: readonly (readonly [name: string, make: Make, right: Options])[] = [
  ['oauth', oauth, client],
  ['workload', workload, { for: client, subjectToken: 'a' }],
  ['mcp', (given: never) => mcp('https://mcp.example.com', given), {}],
  ['mcpLogin', (given: never) => mcpLogin('https://mcp.example.com', given), {}],
  [
    'deviceLogin',
    deviceLogin,
    {
      ...client,
      deviceAuthorizationEndpoint: 'https://auth.example.com/device',
      onPrompt: () => undefined,
      signal: AbortSignal.abort(STOPPED),
    },
  ],
  ['command', command, { file: 'helper' }],
  ['env', (given: never) => env('A_KEY', given), {}],
  ['file', (given: never) => file('/a/token', given), {}],
  ['azure', azure, {}],
  ['google', google, {}],
  ['aws', aws, {}],
  ['createCredential', createCredential, { source }],
  ['createCredentialPool', createCredentialPool, { source }],
  ['new Refreshable', (given: never) => new Refreshable(given), { refresh: async () => 'a' }],
  ['fileStore', fileStore, {}],
  ['sealedStore', (given: never) => sealedStore(memoryStore(), [], given), {}],
  ['refreshingFetch', (given: never) => refreshingFetch(cell, given), { origins: 'https://api.example.com' }],
  [
    'refreshingInterceptor',
    (given: never) => refreshingInterceptor(cell, given),
    { origins: 'https://api.example.com' },
  ],
  ['createProxy', createProxy, { routes: { api: route }, keys: [entry] }],
  ['createProxy, a route', (given: never) => createProxy({ routes: { api: given }, keys: [entry] }), route],
  ['createProxyKey', createProxyKey, { name: 'laptop' }],
]

/** What is wrong for one kind of option or another. */
const WRONG: readonly (readonly [as: string, value: unknown])[] = [
  ['-1', -1],
  ['0', 0],
  ["''", ''],
  ["'a b'", 'a b'],
  ["'http://example.com'", 'http://example.com'],
  ["'https://u:p@example.com'", 'https://u:p@example.com'],
  ['null', null],
  ['{}', {}],
  ['[]', []],
  ['[1]', [1]],
  ['() => …', () => undefined],
  ["{ type: 'x' }", { type: 'x' }],
]

/** The options that there are, as the refusal of one that does not exist tells them. */
async function namesOf(make: Make, right: Options): Promise<readonly string[]> {
  const refusal = await produce({ when: '', bring: () => make({ ...right, 'no such': 1 } as never) })
  return /there are ([^.]*)/.exec(refusal?.message ?? '')?.[1]?.split(', ') ?? []
}

/** One rule for each kind of option: every option of everything, with every value that is wrong for some. */
export async function optionSituations(): Promise<readonly Situation[]> {
  const all: Situation[] = []
  for (const [name, make, right] of MADE) {
    const made = (as: string, options: Options): number =>
      all.push({ when: `\`${name}({ ${as} })\``, bring: () => make(options as never) })
    const names = new Set([...Object.keys(right), ...(await namesOf(make, right))])
    made('misspelt: 1', { ...right, misspelt: 1 })
    for (const left of Object.keys(right)) made(`${left}: undefined`, { ...right, [left]: undefined })
    for (const option of names) {
      for (const [as, value] of WRONG) made(`${option}: ${as}`, { ...right, [option]: value })
    }
  }
  return all
}
