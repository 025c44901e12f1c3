/** A Worker with its credentials in module scope, as in a real one. The test moves its clock. */
import { type Credential, createCredential, type RefreshError } from 'llm-refresh'
import { oauth } from 'llm-refresh/sources/oauth'

interface Context {
  waitUntil(promise: Promise<unknown>): void
}

interface Bindings {
  /** URL */
  readonly ENDPOINT: string
}

/** ms */
const DEADLINE = 3_000
const credentials = new Map<string, Credential>()
let ahead = 0
// The library measures a token's life with the first, and the duration of a refresh with the second.
const [now, sinceStart] = [Date.now.bind(Date), performance.now.bind(performance)]
Date.now = () => now() + ahead
performance.now = () => sinceStart() + ahead

function credentialOf(name: string, endpoint: string): Credential {
  const known = credentials.get(name)
  if (known !== undefined) return known
  const grant = name.startsWith('client') ? ({ grant: 'client_credentials' } as const) : {}
  const made = createCredential({
    source: oauth({
      tokenEndpoint: `${endpoint}/${name}`,
      clientId: 'worker',
      clientSecret: 'secret',
      ...grant,
    }),
    deadline: DEADLINE,
  })
  credentials.set(name, made)
  return made
}

async function respond(
  path: string,
  query: URLSearchParams,
  endpoint: string,
  context: Context,
): Promise<unknown> {
  const name = query.get('name') ?? ''
  const token = credentialOf(name, endpoint)
  switch (path) {
    case '/login': {
      const expiresAt = Date.now() + Number(query.get('ms'))
      await token.login({ accessToken: 'access-0', refreshToken: '0', expiresAt })
      return 'logged in'
    }
    case '/advance':
      ahead += Number(query.get('ms'))
      return 'advanced'
    case '/status':
      return token.status()
    case '/token': {
      const began = Date.now()
      const background = query.has('background')
        ? (flight: Promise<void>): void => context.waitUntil(flight)
        : undefined
      const given = await token
        .accessToken({ background })
        .catch((error: unknown) => (error as RefreshError).code)
      return { given, took: Date.now() - began }
    }
    default:
      return 'unknown'
  }
}

const worker = {
  async fetch(request: Request, bindings: Bindings, context: Context): Promise<Response> {
    const { pathname, searchParams } = new URL(request.url)
    return Response.json(await respond(pathname, searchParams, bindings.ENDPOINT, context))
  },
}

// oxlint-disable-next-line import/no-default-export
export { worker as default }
