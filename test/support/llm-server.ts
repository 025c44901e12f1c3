import { randomUUID } from 'node:crypto'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { createServer } from '@copilotkit/aimock'
import type { ChatCompletionRequest, Fixture, FixtureOpts, FixtureResponse } from '@copilotkit/aimock'
import { inStreamRefusal, type Place } from './in-stream-401.ts'
import { tamper } from './tampered-stream.ts'
import { refusal, vendorOf } from './vendor-401.ts'
import type { Offered, Vendor } from './vendor-401.ts'

/**
 * The model's response: a text, any other response that aimock knows (tool calls, reasoning, an error), or a function of the request, which may
 * be asynchronous.
 */
export type Answer =
  | string
  | FixtureResponse
  | ((request: ChatCompletionRequest) => FixtureResponse | Promise<FixtureResponse>)

/** Options of the LLM server. */
export interface LlmServerOptions {
  /** Whether a bearer token or API key is valid at this instant. */
  accepts: (credential: string) => boolean | Promise<boolean>
  /** The model's response, until `answer()` changes it. Default: a short greeting. */
  answer?: Answer
}

/** How the server rejects a streaming call: by the status, or inside a stream that has begun with a 200. */
export type Refusing = 'status' | Place

/** A running LLM server. */
export interface LlmServer {
  /** The server's URL without a path. */
  readonly url: string
  /** The base URL for each vendor's client. `openai` also serves OpenAI-compatible clients. */
  readonly baseUrl: Readonly<Record<Vendor, string>>
  /** Requests that arrived, of one vendor or of all. */
  requests(vendor?: Vendor): number
  /** Requests that the server rejected for their credential, of one vendor or of all. */
  rejections(vendor?: Vendor): number
  /** Responses whose reader disconnected before their end. */
  disconnects(): number
  /**
   * Sets the model's response from now on. The pace has aimock's options: `chunkSize` in characters, `latency` in ms between the chunks of a
   * stream, `truncateAfterChunks`, and so on.
   */
  answer(response: Answer, pace?: FixtureOpts): void
  /** Sets how the server rejects streaming calls from now on. It rejects other calls by the status. Default: `status`. */
  refuse(how: Refusing): void
  /** From now on each stream awaits this after its first content. undefined: streams no longer wait. */
  hold(afterContent: (() => Promise<void>) | undefined): void
  close(): Promise<void>
}

/**
 * Starts a real LLM server (aimock) on loopback and a free port. It speaks the wire protocols of Anthropic, OpenAI, Google and Vertex, unary and
 * streaming. If `accepts` refuses a credential, the server rejects the request in the vendor's own way.
 *
 * @example
 * const llm = await startLlmServer({ accepts: (token) => token === 'good' })
 * const anthropic = createAnthropic({ baseURL: llm.baseUrl.anthropic, authToken: 'good' })
 */
export async function startLlmServer(options: LlmServerOptions): Promise<LlmServer> {
  const requests = tally()
  const rejections = tally()
  let disconnects = 0
  let refusing: Refusing = 'status'
  let afterContent: (() => Promise<void>) | undefined
  // aimock reads this list at each request. One fixture without conditions serves them all.
  const fixtures: Fixture[] = []

  function answer(response: Answer, pace: FixtureOpts = {}): void {
    fixtures[0] = {
      ...pace,
      match: {},
      response: typeof response === 'string' ? { content: response } : response,
    }
  }
  answer(options.answer ?? 'Hello from the model.')

  /** Runs before aimock. True: this handler has sent the rejection. */
  async function handleRequest(request: IncomingMessage, response: ServerResponse): Promise<boolean> {
    const path = request.url ?? '/'
    const vendor = vendorOf(path)
    requests[vendor]++
    response.once('close', () => {
      if (!response.writableFinished) disconnects++
    })
    const { offered, credential } = credentialOf(request)
    const accepted = credential !== undefined && (await options.accepts(credential))
    if (!accepted) rejections[vendor]++
    const instead = (): ReturnType<typeof refusedWith> => refusedWith(vendor, offered)
    if (!accepted && refusing === 'status') {
      const { status, headers, body } = instead()
      response.writeHead(status, headers).end(body)
      return true
    }
    if (!accepted && refusing !== 'status') {
      const text = inStreamRefusal(vendor, path, refusing)
      tamper(response, { instead, interruption: { text, place: refusing } })
    } else if (afterContent) tamper(response, { afterContent })
    return false
  }

  const { server, url } = await createServer(fixtures, { host: '127.0.0.1', port: 0, journalMaxEntries: 1 }, [
    { path: '', handler: { handleRequest } },
  ])

  // aimock serves one version of Google's API. Google's clients request another one.
  server.prependListener('request', (request: IncomingMessage) => {
    request.url = request.url?.replace(/^\/v1(?=\/models\/[^/]+:)/, '/v1beta')
  })

  return {
    url,
    baseUrl: { anthropic: `${url}/v1`, openai: `${url}/v1`, google: `${url}/v1beta` },
    requests: (vendor) => count(requests, vendor),
    rejections: (vendor) => count(rejections, vendor),
    disconnects: () => disconnects,
    answer,
    refuse: (how) => {
      refusing = how
    },
    hold: (until) => {
      afterContent = until
    },
    close: async () => {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()))
      server.closeAllConnections()
      await closed
    },
  }
}

/** The credential of a request. If a client sends both a bearer token and a key, the token counts. */
function credentialOf(request: IncomingMessage): { offered: Offered; credential?: string } {
  const [, token] = /^Bearer (.+)$/i.exec(request.headers.authorization ?? '') ?? []
  if (token !== undefined) return { offered: 'token', credential: token }
  const key = request.headers['x-api-key'] ?? request.headers['x-goog-api-key']
  return typeof key === 'string' ? { offered: 'api_key', credential: key } : { offered: 'nothing' }
}

function refusedWith(
  vendor: Vendor,
  offered: Offered,
): { status: number; headers: Record<string, string>; body: string } {
  const { status, headers, body } = refusal(vendor, offered, `req_${randomUUID().replaceAll('-', '')}`)
  return { status, headers: { 'content-type': 'application/json', ...headers }, body: JSON.stringify(body) }
}

function tally(): Record<Vendor, number> {
  return { anthropic: 0, openai: 0, google: 0 }
}

function count(tallied: Record<Vendor, number>, vendor: Vendor | undefined): number {
  if (vendor !== undefined) return tallied[vendor]
  return Object.values(tallied).reduce((sum, each) => sum + each, 0)
}
