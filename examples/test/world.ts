import { Refreshable, type RefreshError, refreshingFetch } from 'llm-refresh'
import { firstToken, redeemer, type Token } from '../../demo/token.ts'
import { type Login, startAuthorizationServer } from '../../test/support/authorization-server.ts'
import { Gate } from '../../test/support/gate.ts'
import { type Refusing, startLlmServer } from '../../test/support/llm-server.ts'
import { settled } from '../../test/support/settled.ts'
import { type Client, type Place, SAID, type Session, UNUSED } from '../clients/client.ts'
import { Countdown } from './countdown.ts'
import { startMcpServer } from './mcp-server.ts'
import { model } from './model.ts'

/** Options for building a client. */
export interface Opening {
  inspectStreams?: boolean
  /** The error of every refresh. Default: refreshes succeed. */
  failure?: RefreshError
  /** The credential starts without a token. */
  without?: 'token'
}

/** A client in use, with its own login. */
export interface Opened extends Session {
  readonly login: Login
  /** Counts the rejections that were reported to the cell. */
  readonly rejected: Countdown
  /** The number of requests that the client made. Requests of llm-refresh, and MCP's listening requests, do not count. */
  asked(): number
}

/** The servers that a client needs, and the controls of a test. */
export interface World {
  /** Delays responses that reject a credential. */
  readonly refusals: Gate
  /** Delays the token endpoint. */
  readonly redemptions: Gate
  /** Delays streams after their first content. */
  readonly streams: Gate
  readonly requests: () => number
  readonly rejections: () => number
  readonly refuse: (how: Refusing) => void
  expire(): void
  open(opening?: Opening): Promise<Opened>
  close(): Promise<void>
}

/** Starts the servers that a client needs: an authorization server, an LLM server, and the SDK's MCP server. */
export async function startWorld(client: Client): Promise<World> {
  const refusals = new Gate()
  const streams = new Gate()
  const redemptions = new Gate()
  const authorization = await startAuthorizationServer({ beforeToken: () => redemptions.pass() })
  const accepts = async (token: string): Promise<boolean> => {
    if (await authorization.isActive(token)) return true
    await refusals.pass()
    return false
  }
  const llm = await startLlmServer({ accepts })
  llm.answer(model, { chunkSize: 6 })
  const mcp = await startMcpServer(accepts, SAID)
  const server = client.server === 'mcp' ? mcp : llm
  server.hold(() => streams.pass())
  const redeem = redeemer(authorization)
  const sessions: Session[] = []

  async function open({ inspectStreams, failure, without }: Opening = {}): Promise<Opened> {
    const login = await authorization.login()
    const first = firstToken(login, Date.now())
    const rejected = new Countdown()
    const cell = new Refreshable<Token>({
      initial: without === 'token' ? undefined : first,
      refresh: ({ current, signal }) =>
        failure ? Promise.reject(failure) : redeem((current?.value ?? first).refreshToken, signal),
      onEvent: ({ type }) => {
        if (type === 'rejected') rejected.count()
      },
    })
    const token = cell.map(({ accessToken }) => accessToken)
    const options = { origins: [llm.url, new URL(mcp.url).origin], apply: client.apply, inspectStreams }
    const count = { asked: 0, pending: 0 }
    const fetchWith: Place['fetchWith'] = (apply) => {
      const refreshing = refreshingFetch(token, { ...options, apply, fetch: checked })
      return async (input, init) => {
        const isListening = client.server === 'mcp' && init?.method === 'GET'
        // The OpenAI client fetches 'data:,' to find out what its fetch can do. That is no request of a call.
        if (input !== 'data:,' && !isListening) count.asked++
        count.pending++
        try {
          return await refreshing(input, init)
        } finally {
          count.pending--
        }
      }
    }
    const session = await client.build({
      token,
      options,
      url: llm.url,
      mcpUrl: mcp.url,
      fetch: fetchWith(client.apply),
      fetchWith,
    })
    sessions.push(session)
    // Wait for the requests that a client makes by itself when it is built.
    do await settled()
    while (count.pending > 0)
    return { ...session, login, rejected, asked: () => count.asked }
  }

  return {
    refusals,
    redemptions,
    streams,
    requests: server.requests,
    rejections: server.rejections,
    refuse: (how) => llm.refuse(how),
    expire: () => authorization.expireAccessTokens(),
    open,
    close: async () => {
      for (const session of sessions) await session.close?.()
      await Promise.all([authorization.close(), llm.close(), mcp.close()])
    },
  }
}

/** The platform's fetch. It throws if a request would send the placeholder for a credential. */
const checked: typeof fetch = async (input, init) => {
  const headers = new Headers(init?.headers ?? (input instanceof Request ? input.headers : undefined))
  for (const [name, value] of headers) {
    if (value.includes(UNUSED)) throw new Error(`${name} goes out with a placeholder`)
  }
  return fetch(input, init)
}
