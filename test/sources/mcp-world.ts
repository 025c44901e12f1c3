import { onTestFinished } from 'vitest'
import { type Recorded, type RecordingServer, startRecordingServer } from '../support/recording-server.ts'
import { JSON_TYPE } from './helpers.ts'

/** The response of a path: a body with a status and headers, or a function that returns one. */
export type Answer =
  | { readonly status?: number; readonly headers?: Record<string, string>; readonly body?: unknown }
  | ((request: Recorded) => Answer)

/** A server with a response for each path. Any other path gets a 404. */
export interface Place {
  readonly origin: string
  readonly routes: Map<string, Answer>
  readonly server: RecordingServer
  /** The number of requests to a path. */
  asked(path: string): number
  /** The form fields of each request to a path. */
  posted(path: string): Record<string, string>[]
}

export async function startPlace(): Promise<Place> {
  const routes = new Map<string, Answer>()
  const server = await startRecordingServer((request, response) => {
    const path = (request.path ?? '').replace(/\?.*$/, '')
    let answer = routes.get(path) ?? { status: 404, body: { error: 'not_found' } }
    while (typeof answer === 'function') answer = answer(request)
    const { status = 200, headers = {}, body = {} } = answer
    response.writeHead(status, { ...JSON_TYPE, ...headers })
    response.end(typeof body === 'string' ? body : JSON.stringify(body))
  })
  onTestFinished(() => server.close())
  const of = (path: string): Recorded[] =>
    server.requests.filter((request) => request.path?.replace(/\?.*$/, '') === path)
  return {
    origin: server.origin,
    routes,
    server,
    asked: (path) => of(path).length,
    posted: (path) => of(path).map(({ body }) => Object.fromEntries(new URLSearchParams(body.toString()))),
  }
}

export const PATH_METADATA = '/.well-known/oauth-protected-resource/mcp'
export const ROOT_METADATA = '/.well-known/oauth-protected-resource'
export const SERVER_METADATA = '/.well-known/oauth-authorization-server'

/** An MCP server, and the authorization server that it names. */
export interface World {
  readonly api: Place
  readonly auth: Place
  readonly url: string
}

/** Starts both servers. The token endpoint's first response holds `a2` and `r2`, its second `a3` and `r3`, and so on. */
export async function startWorld(): Promise<World> {
  const [api, auth] = [await startPlace(), await startPlace()]
  const url = `${api.origin}/mcp`
  api.routes.set(PATH_METADATA, { body: { resource: url, authorization_servers: [auth.origin] } })
  auth.routes.set(SERVER_METADATA, { body: metadataOf(auth.origin) })
  let issued = 1
  auth.routes.set('/token', () => {
    issued++
    return { body: { access_token: `a${issued}`, token_type: 'Bearer', refresh_token: `r${issued}` } }
  })
  return { api, auth, url }
}

export function metadataOf(issuer: string, more: object = {}): object {
  return {
    issuer,
    token_endpoint: `${issuer}/token`,
    authorization_endpoint: `${issuer}/authorize`,
    response_types_supported: ['code'],
    code_challenge_methods_supported: ['S256'],
    authorization_response_iss_parameter_supported: true,
    ...more,
  }
}
