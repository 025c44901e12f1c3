import { createCredential, memoryStore, refreshingFetch } from '../../src/index.ts'
import { type Grant, mcp, mcpLogin, type McpClient } from '../../src/sources/mcp/index.ts'
import { oauth } from '../../src/sources/oauth/index.ts'

/** Of `@modelcontextprotocol/client`, which is installed beside this file. */
export interface Sdk {
  readonly Client: new (
    info: { readonly name: string; readonly version: string },
    options: object,
  ) => {
    connect(transport: object, options: object): Promise<void>
    listTools(): Promise<unknown>
    callTool(call: { readonly name: string; readonly arguments: object }): Promise<unknown>
    close(): Promise<void>
  }
  readonly StreamableHTTPClientTransport: new (url: URL, options: { readonly fetch: typeof fetch }) => object
}

/** The most logins in one session. A person would not log in more often. */
const MOST_LOGINS = 3
const CLIENT_METADATA = 'https://conformance-test.local/client-metadata.json'

/** The runner's order to a client. */
export interface Order {
  readonly scenario: string
  /** The revision of MCP that the client must speak. */
  readonly version: string
  readonly context: Readonly<Record<string, string>>
  readonly serverUrl: string
}

/**
 * The client that the runner of `@modelcontextprotocol/conformance` tests. It is built as a user's program would be: the official SDK's
 * transport over `refreshingFetch()`, and a person who logs in when the server demands it.
 */
export async function runClient(sdk: Sdk, order: Order): Promise<void> {
  const { version, serverUrl } = order
  const store = memoryStore()
  // The timeouts are long, because a machine that runs all tests at once is slow.
  const client: McpClient = { ...readClient(order), timeout: 120_000 }
  const grant = readGrant(order)
  const source = mcp(serverUrl, { ...client, store, ...(grant !== undefined && { grant }) })
  const credential = createCredential({ source, store, key: serverUrl, deadline: 120_000 })
  const refreshing = refreshingFetch(credential, { origins: new URL(serverUrl).origin })
  const login = mcpLogin(serverUrl, { ...client, store })
  let logins = 0

  /** The first request carries no credential, because the server's challenge says which scopes the login needs. */
  const fetchAsPerson: typeof fetch = async (input, init) => {
    for (;;) {
      const response = await (credential.peek() === undefined ? fetch(input, init) : refreshing(input, init))
      const challenge = response.headers.get('www-authenticate') ?? undefined
      const isDemand = response.status === 403 && /insufficient_scope/.test(challenge ?? '')
      if ((response.status !== 401 && !isDemand) || ++logins > MOST_LOGINS) return response
      await response.body?.cancel()
      const scope = credential.peek()?.value.scope
      await credential.login(await login.inBrowser({ challenge, scope, open }))
    }
  }

  const mode = version >= '2026-07-28' ? { pin: version } : 'legacy'
  const program = new sdk.Client({ name: 'llm-refresh', version: '0' }, { versionNegotiation: { mode } })
  const chosen = grant === undefined ? fetchAsPerson : refreshing
  const transport = new sdk.StreamableHTTPClientTransport(new URL(serverUrl), { fetch: chosen })
  await program.connect(transport, { timeout: 120_000 })
  await program.listTools()
  await program.callTool({ name: 'test-tool', arguments: {} })
  await program.close()
}

/** Acts as the browser. The runner's authorization server grants each login without asking a person. */
async function open(url: string): Promise<void> {
  await (await fetch(url)).body?.cancel()
}

function readClient({ scenario, context, serverUrl }: Order): McpClient {
  const { client_id: clientId, client_secret: clientSecret, private_key_pem: key, issuer } = context
  // A server of revision 2025-03-26 has no metadata (RFC 9728), so the user must give the issuer.
  if (scenario.startsWith('auth/2025-03-26')) return { issuer: new URL(serverUrl).origin }
  if (clientId === undefined) return { clientMetadataUrl: CLIENT_METADATA }
  return {
    clientId,
    ...(clientSecret !== undefined && { clientSecret }),
    ...(key !== undefined && { privateKey: { key, alg: context['signing_algorithm'] } }),
    ...(issuer !== undefined && { issuers: [issuer] }),
  }
}

function readGrant({ scenario, context }: Order): Grant | undefined {
  if (scenario.startsWith('auth/client-credentials')) return 'client_credentials'
  const { valid_jwt: assertion, idp_id_token: subjectToken } = context
  if (assertion !== undefined) return { type: 'jwt_bearer', assertion }
  if (subjectToken === undefined) return undefined
  return {
    type: 'jwt_bearer',
    assertion: ({ issuer, resource }) =>
      oauth({
        issuer: context['idp_issuer'],
        clientId: context['idp_client_id'] ?? '',
        audience: issuer,
        resource,
        grant: {
          type: 'token_exchange',
          subjectToken,
          subjectTokenType: 'id_token',
          requestedTokenType: 'id-jag',
        },
      }),
  }
}
