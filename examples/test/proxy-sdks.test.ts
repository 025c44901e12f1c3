import Anthropic, { toFile as toAnthropicFile } from '@anthropic-ai/sdk'
import { ApiError, GoogleGenAI } from '@google/genai'
import { Refreshable, RefreshError } from 'llm-refresh'
import { createProxy, createProxyKey, type ProxyAuditEntry, type ProxyPreset } from 'llm-refresh/proxy'
import OpenAI, { toFile } from 'openai'
import { describe, expect, onTestFinished, test } from 'vitest'
import {
  type Recorded,
  type RecordingServer,
  startRecordingServer,
} from '../../test/support/recording-server.ts'

const PRESETS = ['openai', 'anthropic', 'google'] as const
const REPLAY_LIMIT = 400_000
const REMEDY = 'Run: llm-refresh login work'
const REJECTED = JSON.stringify({ error: { message: 'expired', type: 'authentication_error' } })

type Handler = Parameters<typeof startRecordingServer>[0]
/** The base URL and the key of a client: of the proxy, or of the upstream with a valid token. */
interface Place {
  readonly url: (preset: ProxyPreset) => string
  readonly key: (preset: ProxyPreset) => string
}
interface World {
  readonly upstream: RecordingServer
  readonly proxied: Place
  readonly direct: Place
  readonly audit: readonly ProxyAuditEntry[]
  readonly refreshes: () => number
  /** Makes the current token invalid. */
  expire(): void
  /** Ends the login: from now on every refresh fails. */
  end(): void
}

/** @param serve handles the requests with a valid token */
async function world(serve: Handler): Promise<World> {
  let [good, count, hasEnded] = [0, 0, false]
  const credential = new Refreshable({
    initial: 't0',
    refresh: async () => {
      count++
      if (hasEnded) throw new RefreshError('reauthentication_required', 'The login has ended.')
      return `t${good}`
    },
  })
  const upstream = await startRecordingServer((request, response, raw) => {
    const { authorization, 'x-api-key': key } = request.headers
    if (`t${good}` === (authorization?.replace(/^Bearer /, '') ?? key)) serve(request, response, raw)
    else response.writeHead(401, { 'content-type': 'application/json' }).end(REJECTED)
  })
  const keys = PRESETS.map((preset) => createProxyKey({ name: preset, preset }))
  const audit: ProxyAuditEntry[] = []
  const proxy = createProxy({
    keys: keys.map(({ entry }) => entry),
    routes: Object.fromEntries(
      PRESETS.map((preset) => [preset, { to: upstream.origin, credential, preset, remedy: REMEDY }]),
    ),
    replayLimit: REPLAY_LIMIT,
    audit: (entry) => void audit.push(entry),
  })
  onTestFinished(async () => {
    await proxy.close()
    await upstream.close()
  })
  const { url } = await proxy.listen()
  return {
    upstream,
    proxied: {
      url: (preset) => `${url}/${preset}`,
      key: (preset) => keys.find(({ entry }) => entry.name === preset)?.key ?? '',
    },
    direct: { url: () => upstream.origin, key: () => `t${good}` },
    audit,
    refreshes: () => count,
    expire: () => void good++,
    end: () => {
      good++
      hasEnded = true
    },
  }
}

const openaiAt = ({ url, key }: Place, maxRetries = 0): OpenAI =>
  new OpenAI({ baseURL: `${url('openai')}/v1`, apiKey: key('openai'), maxRetries })
const anthropicAt = ({ url, key }: Place, maxRetries = 0): Anthropic =>
  new Anthropic({ baseURL: url('anthropic'), authToken: key('anthropic'), maxRetries })

const messages = [{ role: 'user' as const, content: 'Hello?' }]
const chat = { model: 'gpt-5', messages }
const message = { model: 'claude-opus-5', max_tokens: 9, messages }

/** Numbered lines, so that a lost or doubled byte is noticed. */
const lines = (count: number): Buffer =>
  Buffer.from(Array.from({ length: count }, (_, at) => `${String(at).padStart(15, '0')}\n`).join(''))

/** A response with odd spaces and escapes. If the proxy parsed it and wrote it again, the bytes would differ. */
const ODD = `{ "id":"x",\n\t"choices" : [{"message":{"role":"assistant","content":"caf\\u00e9 ☕"}}],
  "content":[{"type":"text","text":"caf\\u00e9 ☕"}], "number": 1.000e3 }\n\n`
const EVENTS = [
  'data: {"choices":[]}\n\n',
  ': a comment\r\n\r\n',
  'event: ping\ndata: {}\n\n',
  'data: [DONE]\n\n',
]

const echo: Handler = ({ path, body }, response) => {
  response.setHeader('x-request-id', 'req_1')
  response.setHeader('request-id', 'req_1')
  if (body.includes('"stream":true')) {
    response.writeHead(200, { 'content-type': 'text/event-stream; charset=utf-8' })
    for (const event of EVENTS) response.write(event)
    response.end()
  } else {
    response.writeHead(200, { 'content-type': 'application/json', 'x-path': path ?? '' }).end(ODD)
  }
}

const file = lines(1_000)
const CALLS: Readonly<Record<string, (place: Place) => Promise<Response>>> = {
  'OpenAI: chat': (place) => openaiAt(place).chat.completions.create(chat).asResponse(),
  'OpenAI: a stream': (place) =>
    openaiAt(place)
      .chat.completions.create({ ...chat, stream: true })
      .asResponse(),
  'OpenAI: a list with a query': (place) =>
    openaiAt(place).files.list({ limit: 2, after: 'a/b c' }).asResponse(),
  'OpenAI: an upload': async (place) =>
    openaiAt(place)
      .files.create({ file: await toFile(file, 'lines.txt'), purpose: 'user_data' })
      .asResponse(),
  'OpenAI: a file’s content': (place) => openaiAt(place).files.content('file-1').asResponse(),
  'OpenAI: a deletion': (place) => openaiAt(place).files.delete('file-1').asResponse(),
  'Anthropic: a message': (place) => anthropicAt(place).messages.create(message).asResponse(),
  'Anthropic: a stream': (place) =>
    anthropicAt(place)
      .messages.create({ ...message, stream: true })
      .asResponse(),
  'Anthropic: an upload': async (place) =>
    anthropicAt(place)
      .beta.files.upload({ file: await toAnthropicFile(file, 'lines.txt') })
      .asResponse(),
  'Anthropic: models': (place) => anthropicAt(place).models.list({ limit: 2 }).asResponse(),
}

/** A request as the upstream saw it, without the parts that differ for each connection and each form. */
function comparable({ method, path, headers, body }: Recorded): object {
  const { host: _host, authorization: _token, connection: _hop, ...rest } = headers
  const [boundary = ''] = /(?<=boundary=)\S+/.exec(rest['content-type'] ?? '') ?? []
  const same = (text: string): string => (boundary === '' ? text : text.replaceAll(boundary, 'boundary'))
  return {
    method,
    path,
    body: same(body.toString('latin1')),
    headers: JSON.parse(same(JSON.stringify(rest))) as object,
  }
}

async function heard(response: Response): Promise<object> {
  const {
    date: _date,
    connection: _hop,
    'keep-alive': _alive,
    ...headers
  } = Object.fromEntries(response.headers)
  return {
    status: response.status,
    headers,
    body: Buffer.from(await response.arrayBuffer()).toString('latin1'),
  }
}

test.each(Object.entries(CALLS))(
  '[X6] [X2] %s: given an expired token behind the proxy, when the SDK calls, then the upstream gets and the SDK gets, byte for byte, what they get without a proxy',
  async (_name, call) => {
    const { upstream, direct, proxied, expire, refreshes } = await world(echo)
    const straight = await heard(await call(direct))
    expire()
    const through = await heard(await call(proxied))
    expect(through).toEqual(straight)
    const [bare, rejected, repeated] = upstream.requests.map(comparable)
    expect([rejected, repeated]).toEqual([bare, bare])
    expect([upstream.requests.length, refreshes()]).toEqual([3, 1])
  },
)

test('[X3] given an upload above the replay limit and an expired token, when the SDK sends it, then it raises its authentication error after one attempt, and the next upload arrives whole', async () => {
  const { upstream, proxied, expire, refreshes } = await world(echo)
  const large = lines(REPLAY_LIMIT / 8)
  const upload = async (): Promise<unknown> =>
    openaiAt(proxied).files.create({ file: await toFile(large, 'lines.txt'), purpose: 'user_data' })
  expire()
  await expect(upload()).rejects.toBeInstanceOf(OpenAI.AuthenticationError)
  expect([upstream.requests.length, refreshes()]).toEqual([1, 1])
  await upload()
  expect(upstream.requests[1]?.body.includes(large)).toBe(true)
  expect(refreshes()).toBe(1)
})

describe('[X6] retries of the SDKs’ own', () => {
  const SDKS = {
    OpenAI: [
      (place: Place, retries: number) =>
        openaiAt(place, retries).chat.completions.create(chat).withResponse(),
      OpenAI.RateLimitError,
      OpenAI.InternalServerError,
    ],
    Anthropic: [
      (place: Place, retries: number) => anthropicAt(place, retries).messages.create(message).withResponse(),
      Anthropic.RateLimitError,
      Anthropic.InternalServerError,
    ],
  } as const

  /** A handler whose first responses to a valid token are failures. */
  const failing = (...statuses: number[]): Handler => {
    const left = [...statuses]
    return (request, response, raw) => {
      const status = left.shift()
      if (status === undefined) return echo(request, response, raw)
      response.writeHead(status, { 'content-type': 'application/json', 'retry-after-ms': '1' })
      return response.end('{"error":{"type":"x","message":"Later."}}')
    }
  }

  test.each(Object.entries(SDKS))(
    '%s: given an expired token, a 429 and a 503, when it may retry twice, then it gets its response; the refresh took none of its retries',
    async (_name, [call]) => {
      const { upstream, proxied, expire, refreshes } = await world(failing(429, 503))
      expire()
      const { response } = await call(proxied, 2)
      expect(response.headers.get('request-id')).toBe('req_1')
      expect([upstream.requests.length, refreshes()]).toEqual([4, 1])
      const counts = upstream.sent('x-stainless-retry-count')
      expect(counts).toEqual(['0', '0', '1', '2'])
    },
  )

  test.each(Object.entries(SDKS))(
    '%s: given a 429, and given a 503, when it may not retry, then it raises its own error for that',
    async (_name, [call, RateLimitError, InternalServerError]) => {
      const { upstream, proxied } = await world(failing(429, 503))
      await expect(call(proxied, 0)).rejects.toBeInstanceOf(RateLimitError)
      await expect(call(proxied, 0)).rejects.toBeInstanceOf(InternalServerError)
      expect(upstream.requests.length).toBe(2)
    },
  )
})

describe('[X6] [X2] aborts', () => {
  const waiting = (): { handler: Handler; arrived: Promise<void>; left: Promise<void> } => {
    let [arrive, leave] = [(): void => undefined, (): void => undefined]
    const arrived = new Promise<void>((resolve) => (arrive = resolve))
    const left = new Promise<void>((resolve) => (leave = resolve))
    const handler: Handler = ({ body }, response) => {
      response.on('close', leave)
      if (body.includes('"stream":true')) {
        response.writeHead(200, { 'content-type': 'text/event-stream' })
        response.write('data: {"choices":[{"delta":{"content":"Hel"}}]}\n\n')
      }
      arrive()
    }
    return { handler, arrived, left }
  }

  test('OpenAI: given a stream with a first piece, when its reader leaves, then the upstream sees it go', async () => {
    const { handler, left } = waiting()
    const { proxied, expire, audit } = await world(handler)
    expire()
    const stream = await openaiAt(proxied).chat.completions.create({ ...chat, stream: true })
    for await (const { choices } of stream) {
      expect(choices[0]?.delta.content).toBe('Hel')
      break
    }
    await left
    await expect.poll(() => audit).toEqual([expect.objectContaining({ status: 200, retried: true })])
  })

  test('Anthropic: given a request without a response, when its caller aborts, then the upstream sees it go, and the SDK raises its own error', async () => {
    const { handler, arrived, left } = waiting()
    const { proxied, expire, audit } = await world(handler)
    expire()
    const controller = new AbortController()
    const call = anthropicAt(proxied, 2).messages.create(message, { signal: controller.signal })
    const failed = expect(call).rejects.toBeInstanceOf(Anthropic.APIUserAbortError)
    await arrived
    controller.abort()
    await failed
    await left
    await expect.poll(() => audit).toEqual([expect.objectContaining({ status: 499 })])
  })
})

test('[X7] [X6] given a login that has ended, when each SDK calls, retries allowed, then it raises its authentication error with the command that mends it, at once; what is known to be dead is not sent', async () => {
  const { proxied, upstream, audit, end, refreshes } = await world(echo)
  end()
  const google = new GoogleGenAI({
    apiKey: proxied.key('google'),
    httpOptions: { baseUrl: proxied.url('google'), apiVersion: 'v1beta' },
  })
  const calls = [
    [() => openaiAt(proxied, 2).chat.completions.create(chat), OpenAI.AuthenticationError],
    [
      () => openaiAt(proxied, 2).chat.completions.create({ ...chat, stream: true }),
      OpenAI.AuthenticationError,
    ],
    [() => anthropicAt(proxied, 2).messages.create(message), Anthropic.AuthenticationError],
    [() => anthropicAt(proxied, 2).messages.stream(message).finalText(), Anthropic.AuthenticationError],
    [() => google.models.generateContent({ model: 'gemini-3-pro', contents: 'Hello?' }), ApiError],
  ] as const
  for (const [call, kind] of calls) {
    const error = await Promise.resolve(call()).then(
      () => undefined,
      (thrown: unknown) => thrown,
    )
    expect(error).toBeInstanceOf(kind)
    expect(error).toMatchObject({ status: 401, message: expect.stringContaining(REMEDY) })
  }
  expect(audit.map(({ status, refused }) => [status, refused])).toEqual(calls.map(() => [401, 'login']))
  expect([upstream.requests.length, refreshes()]).toEqual([1, 1])
})
