// Makes calls through vendors' clients, and aborts them at every moment. The last line of the output reports the faults. This is plain
// JavaScript, so that every Node runs it without a compiler.
import { createServer } from 'node:http'
import { createRequire } from 'node:module'
import { setTimeout as sleep } from 'node:timers/promises'
import { pathToFileURL } from 'node:url'

const require = createRequire(new URL('../../examples/package.json', import.meta.url))
const load = (name) => import(pathToFileURL(require.resolve(name)).href)
const dist = (name) => import(new URL(`../../dist/${name}`, import.meta.url).href)

const { Refreshable, refreshingFetch } = await dist('index.js')
const { refreshingModel } = await dist('surfaces/ai-sdk/index.js')
const [{ OpenAI }, { Anthropic }, { streamText, generateText }, { createOpenAI }] = await Promise.all(
  ['openai', '@anthropic-ai/sdk', 'ai', '@ai-sdk/openai'].map(load),
)
const { Client } = await load('@modelcontextprotocol/sdk/client/index.js')
const { StreamableHTTPClientTransport } = await load('@modelcontextprotocol/sdk/client/streamableHttp.js')

const faults = []
let now = 'nothing'
for (const event of ['unhandledRejection', 'uncaughtException'])
  process.on(event, (error) => faults.push(`${event} in ${now}: ${error?.stack ?? error}`))

/** Called at each moment of a call, with the moment's name. */
let reached = () => {}
const PAUSE = 3

const chunk = (content) =>
  `data: ${JSON.stringify({ id: 'c', object: 'chat.completion.chunk', created: 1, model: 'm', choices: [{ index: 0, delta: { role: 'assistant', content }, finish_reason: null }] })}\n\n`
const event = (data) => `event: ${data.type}\ndata: ${JSON.stringify(data)}\n\n`
const usage = { input_tokens: 1, output_tokens: 1 }
const PIECES = {
  '/v1/chat/completions': [chunk('one'), chunk('two'), chunk('three'), 'data: [DONE]\n\n'],
  '/v1/messages': [
    event({
      type: 'message_start',
      message: {
        id: 'm',
        type: 'message',
        role: 'assistant',
        model: 'm',
        content: [],
        stop_reason: null,
        stop_sequence: null,
        usage,
      },
    }),
    event({ type: 'content_block_start', index: 0, content_block: { type: 'text', text: '' } }),
    event({ type: 'content_block_delta', index: 0, delta: { type: 'text_delta', text: 'one' } }),
    event({ type: 'message_stop' }),
  ],
}
const UNARY = {
  id: 'c',
  object: 'chat.completion',
  created: 1,
  model: 'm',
  choices: [{ index: 0, message: { role: 'assistant', content: 'one' }, finish_reason: 'stop' }],
  usage: { prompt_tokens: 1, completion_tokens: 1, total_tokens: 2 },
}

const serve = async (request, response) => {
  let text = ''
  for await (const piece of request) text += piece
  if (request.method !== 'POST') return response.writeHead(405).end()
  const isStale = request.headers.authorization !== 'Bearer fresh'
  const moment = isStale ? 'rejected' : 'second'
  const body = JSON.parse(text)
  const isSaid = body.method === undefined || body.method === 'tools/call'
  const reach = (name) => isSaid && reached(`${moment}: ${name}`)
  response.on('error', () => {})
  reach('request')
  await sleep(PAUSE)
  if (isStale && isSaid) {
    response.writeHead(401, { 'content-type': 'application/json' }).flushHeaders()
    reach('head')
    await sleep(PAUSE)
    response.write('{"error":{"message":"expired",')
    reach('middle')
    await sleep(PAUSE)
    response.end('"code":"token_expired"}}')
    return reach('end')
  }
  if (body.method !== undefined) return answerRpc(body, response, reach)
  if (body.stream !== true) {
    response.writeHead(200, { 'content-type': 'application/json' }).flushHeaders()
    reach('head')
    await sleep(PAUSE)
    response.write(' ')
    reach('first byte')
    await sleep(PAUSE)
    response.end(JSON.stringify(UNARY))
    return reach('end')
  }
  await streamed(PIECES[request.url], response, reach)
}
const server = createServer((request, response) => void serve(request, response))

async function streamed(pieces, response, reach) {
  response.writeHead(200, { 'content-type': 'text/event-stream' }).flushHeaders()
  reach('head')
  for (const [at, piece] of pieces.entries()) {
    await sleep(PAUSE)
    response.write(piece)
    reach(at === 0 ? 'first byte' : at === 1 ? 'middle' : 'later')
  }
  response.end()
  reach('end')
}

async function answerRpc({ id, method, params }, response, reach) {
  if (id === undefined) return response.writeHead(202).end()
  const result =
    method === 'initialize'
      ? {
          protocolVersion: params.protocolVersion,
          capabilities: { tools: {} },
          serverInfo: { name: 's', version: '1' },
        }
      : { content: [{ type: 'text', text: 'one' }] }
  const answer = `event: message\ndata: ${JSON.stringify({ jsonrpc: '2.0', id, result })}\n\n`
  await streamed([': hello\n\n', ': still\n\n', answer], response, reach)
}

await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve))
const origin = `http://127.0.0.1:${server.address().port}`

function cell() {
  return new Refreshable({
    initial: 'stale',
    refresh: async () => {
      reached('refresh: begin')
      await sleep(PAUSE)
      reached('refresh: end')
      return 'fresh'
    },
  })
}

const messages = [{ role: 'user', content: 'Hello?' }]
const all = async (items) => {
  for await (const _ of items);
}
/** Each function makes one call. It resolves when the caller has received everything. */
const CLIENTS = {
  'OpenAI, stream': async (fetch, signal) => {
    const client = new OpenAI({ apiKey: 'unused', baseURL: `${origin}/v1`, fetch, maxRetries: 0 })
    await all(await client.chat.completions.create({ model: 'm', messages, stream: true }, { signal }))
  },
  'OpenAI, one piece': async (fetch, signal) => {
    const client = new OpenAI({ apiKey: 'unused', baseURL: `${origin}/v1`, fetch, maxRetries: 0 })
    await client.chat.completions.create({ model: 'm', messages }, { signal })
  },
  'Anthropic, stream': async (fetch, signal) => {
    const client = new Anthropic({ authToken: 'unused', baseURL: origin, fetch, maxRetries: 0 })
    await all(await client.messages.create({ model: 'm', max_tokens: 9, messages, stream: true }, { signal }))
  },
  'AI SDK, a fetch': async (fetch, signal) => {
    const model = createOpenAI({ apiKey: 'unused', baseURL: `${origin}/v1`, fetch }).chat('m')
    await all(streamText({ model, messages, abortSignal: signal, maxRetries: 0, onError() {} }).fullStream)
  },
  'AI SDK, a model': async (_, signal) => {
    const models = cell().map((apiKey) => createOpenAI({ apiKey, baseURL: `${origin}/v1` }).chat('m'))
    const model = refreshingModel((await models.snapshot()).value, models)
    await all(streamText({ model, messages, abortSignal: signal, maxRetries: 0, onError() {} }).fullStream)
  },
  'AI SDK, a model, one piece': async (_, signal) => {
    const models = cell().map((apiKey) => createOpenAI({ apiKey, baseURL: `${origin}/v1` }).chat('m'))
    const model = refreshingModel((await models.snapshot()).value, models)
    await generateText({ model, messages, abortSignal: signal, maxRetries: 0 })
  },
  'MCP, a tool': async (fetch, signal) => {
    const client = new Client({ name: 'example', version: '1.0.0' })
    await client.connect(new StreamableHTTPClientTransport(new URL(`${origin}/mcp`), { fetch }))
    try {
      await client.callTool({ name: 'say', arguments: {} }, undefined, { signal })
    } finally {
      await client.close()
    }
  },
}

const MOMENTS = [
  'before',
  'at once',
  ...['request', 'head', 'middle', 'end'].map((name) => `rejected: ${name}`),
  'refresh: begin',
  'refresh: end',
  ...['request', 'head', 'first byte', 'middle', 'later', 'end'].map((name) => `second: ${name}`),
]
/** How long after the moment the call is aborted. */
const DELAYS = {
  now: (abort) => abort(),
  'a microtask later': (abort) => queueMicrotask(abort),
  'a turn later': (abort) => setImmediate(() => abort()),
  '1 ms later': (abort) => setTimeout(() => abort(), 1),
}

let calls = 0
let aborted = 0
for (const inspectStreams of [false, true]) {
  for (const [client, run] of Object.entries(CLIENTS)) {
    for (const moment of MOMENTS) {
      for (const [delay, wait] of Object.entries(DELAYS)) {
        now = `${client}, inspectStreams ${inspectStreams}, ${moment}, ${delay}`
        const controller = new AbortController()
        const abort = () => controller.abort()
        reached = (name) => name === moment && wait(abort)
        if (moment === 'before') abort()
        const fetch = refreshingFetch(cell(), { origins: origin, inspectStreams })
        const outcome = run(fetch, controller.signal).then(
          () => 'done',
          () => 'failed',
        )
        if (moment === 'at once') wait(abort)
        calls++
        const how = await Promise.race([outcome, sleep(5_000, 'hangs', { ref: false })])
        if (how === 'hangs') faults.push(`hangs: ${now}`)
        if (controller.signal.aborted) aborted++
      }
    }
  }
}
now = 'the end'
reached = () => {}
await sleep(200)
server.closeIdleConnections()
const open = await new Promise((resolve) => server.getConnections((_, count) => resolve(count)))
await new Promise((resolve) => setImmediate(resolve))
server.close()
const began = performance.now()
// From here on the library must not keep the process alive.
process.on('exit', () => {
  const lingered = Math.round(performance.now() - began)
  console.log(
    JSON.stringify({ calls, aborted, open, lingered, faults: faults.slice(0, 5), count: faults.length }),
  )
})
