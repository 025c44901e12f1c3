import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { describe, expect, onTestFinished, test } from 'vitest'
import { createCredential, refreshingFetch } from '../../src/index.ts'
import { file } from '../../src/sources/file.ts'
import { workload } from '../../src/sources/workload/index.ts'
import { type Recorded, type RecordingServer, startRecordingServer } from '../support/recording-server.ts'
import { issue, temporaryFolder } from './helpers.ts'

// The examples install the official clients.
const packages = fileURLToPath(new URL('../../examples/node_modules/', import.meta.url))
const [anthropic, openai] = [
  join(packages, '@anthropic-ai/sdk/index.mjs'),
  join(packages, 'openai/index.mjs'),
]

interface Client {
  readonly models: { list(): Promise<unknown> }
}
type ClientClass = new (options: Record<string, unknown>) => Client

async function clientClass(entry: string): Promise<ClientClass> {
  const { default: Class } = (await import(pathToFileURL(entry).href)) as { default: ClientClass }
  return Class
}

/** Starts a server that is both the token endpoint and the API. */
async function startVendor(): Promise<RecordingServer> {
  const server = await startRecordingServer(({ path }, response) => {
    const isExchange = path?.endsWith('/oauth/token') === true
    const token = {
      access_token: 'exchanged',
      issued_token_type: 'urn:ietf:params:oauth:token-type:access_token',
      token_type: 'Bearer',
      expires_in: 3600,
    }
    response.writeHead(200, { 'content-type': 'application/json' })
    response.end(JSON.stringify(isExchange ? token : { object: 'list', data: [], has_more: false }))
  })
  onTestFinished(() => server.close())
  return server
}

async function projectedToken(): Promise<string> {
  const path = join(await temporaryFolder(), 'token')
  await writeFile(path, 'header.claims.signature\n')
  return path
}

/** The parts of a token request that are compared. */
function essence({ method, path, headers, body }: Recorded): unknown {
  const { 'content-type': type, 'anthropic-beta': beta, authorization } = headers
  return { method, path, type, beta, authorization, body: JSON.parse(body.toString()) as unknown }
}

/** The token requests among all requests. */
function exchanges(server: RecordingServer): unknown[] {
  return server.requests.filter(({ path }) => path?.endsWith('/oauth/token')).map(essence)
}

// The examples install these clients: `npm run clients`.
describe('official clients', () => {
  test.each([
    [{}, {}],
    [
      { service_account_id: 'svac_1', workspace_id: 'wrkspc_1' },
      { serviceAccountId: 'svac_1', workspaceId: 'wrkspc_1' },
    ],
  ])(
    '[K5, K7] given the same options %o, when our source and @anthropic-ai/sdk request a token, then both requests are equal',
    async (theirs, ours) => {
      const server = await startVendor()
      const path = await projectedToken()
      const Anthropic = await clientClass(anthropic)
      const { workspace_id, service_account_id } = {
        workspace_id: undefined,
        service_account_id: undefined,
        ...theirs,
      }
      const client = new Anthropic({
        config: {
          organization_id: 'org-1',
          base_url: `${server.origin}/`,
          workspace_id,
          authentication: {
            type: 'oidc_federation',
            federation_rule_id: 'fdrl_1',
            service_account_id,
            identity_token: { source: 'file', path },
          },
        },
      })
      await client.models.list()
      const source = workload({
        for: 'anthropic',
        federationRuleId: 'fdrl_1',
        organizationId: 'org-1',
        ...ours,
        baseURL: `${server.origin}/`,
        subjectToken: file(path),
      })
      expect(await issue(source)).toMatchObject({ accessToken: 'exchanged' })
      const [expected, sent, ...more] = exchanges(server)
      expect(more).toEqual([])
      expect(sent).toEqual(expected)
      expect(sent).toMatchObject({ method: 'POST', path: '/v1/oauth/token' })
    },
  )

  test.each([
    ['jwt', 'jwt', undefined],
    ['id', 'id_token', 'client-1'],
  ] as const)(
    '[K5, K7] given the same subject token (%s), when our source and openai request a token, then both requests are equal',
    async (tokenType, subjectTokenType, clientId) => {
      const server = await startVendor()
      const asked: unknown[] = []
      /** The client has no option for its endpoint, so this fetch replaces the origin. */
      const fetch: typeof globalThis.fetch = (input, init) => {
        asked.push(input, init?.redirect)
        const url = input instanceof Request ? input.url : input.toString()
        const local = url.replace('https://auth.openai.com', server.origin)
        return globalThis.fetch(local, init)
      }
      const OpenAI = await clientClass(openai)
      const identity = { identityProviderId: 'idp_1', serviceAccountId: 'sa_1', clientId }
      const provider = { tokenType, getToken: async () => 'header.claims.signature' }
      const client = new OpenAI({
        workloadIdentity: { ...identity, provider },
        baseURL: server.origin,
        fetch,
      })
      await client.models.list()
      const theirs = asked.splice(0).slice(0, 2)

      const subjectToken = async (): Promise<string> => 'header.claims.signature'
      await issue(workload({ for: 'openai', ...identity, subjectTokenType, subjectToken, fetch }))
      expect(asked).toEqual(theirs)
      expect(asked).toEqual(['https://auth.openai.com/oauth/token', 'manual'])
      const [expected, sent, ...more] = exchanges(server)
      expect(more).toEqual([])
      expect(sent).toEqual(expected)
    },
  )

  test("given Anthropic's client over refreshingFetch(), when it calls, then the request carries our token, and the client's header for such tokens", async () => {
    const server = await startVendor()
    const Anthropic = await clientClass(anthropic)
    const token = createCredential({
      source: workload({
        for: 'anthropic',
        federationRuleId: 'fdrl_1',
        organizationId: 'org-1',
        baseURL: server.origin,
        subjectToken: async () => 'subject',
      }),
    })
    const client = new Anthropic({
      baseURL: server.origin,
      credentials: async () => ({ token: 'unused', expiresAt: null }),
      fetch: refreshingFetch(token, { origins: server.origin }),
    })
    await client.models.list()
    const { headers } = server.requests.at(-1) ?? {}
    expect(headers).toMatchObject({
      authorization: 'Bearer exchanged',
      'anthropic-beta': expect.stringContaining('oauth-2025-04-20'),
    })
  })
})
