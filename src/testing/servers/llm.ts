import type { Clock } from '../../lib/clock.ts'
import { anthropicMessage, chatCompletion, openaiResponse, type Said } from './completions.ts'
import { anthropicError, anthropicRefusal, offeredBy, openaiError, openaiRefusal } from './refusals.ts'
import { json, type Received, type Reply } from './reply.ts'
import type { Tokens } from './tokens.ts'

/** The model's response: a text, or a function that gets the path and the parsed body of the request. */
export type TestAnswer =
  | string
  | ((request: { readonly path: string; readonly body: unknown }) => string | Promise<string>)

/** The LLM server. It checks the token, and supports OpenAI's chat completions and responses and Anthropic's messages. */
export class Llm {
  calls = 0
  rejected = 0
  readonly #tokens: Tokens
  readonly #answer: TestAnswer
  readonly #clock: Clock

  constructor(tokens: Tokens, answer: TestAnswer, clock: Clock) {
    this.#tokens = tokens
    this.#answer = answer
    this.#clock = clock
  }

  async serve(request: Received): Promise<Reply> {
    const number = ++this.calls
    const isAnthropic = request.path === '/v1/messages'
    const requestId = `req_test_${number}`
    const offered = offeredBy(request.headers)
    const standing = this.#tokens.judge(offered.credential)
    if (standing !== 'good') {
      this.rejected++
      return isAnthropic ? anthropicRefusal(offered, requestId) : openaiRefusal(offered, standing, requestId)
    }
    const { method, path } = request
    if (method === 'GET' && path === '/v1/models') return json(200, { object: 'list', data: [MODEL] })
    if (method !== 'POST' || !PATHS.includes(path)) {
      return json(404, openaiError('unknown_url', `The test server does not know ${method} ${path}.`))
    }
    const body = parsed(request.body)
    if (body === undefined) {
      const told = 'The body of the request is no JSON object.'
      const error = isAnthropic
        ? anthropicError('invalid_request_error', told, requestId)
        : openaiError(null, told)
      return json(400, error)
    }
    return this.#respond(path, body, number)
  }

  async #respond(path: string, body: object, number: number): Promise<Reply> {
    const field = (name: string): unknown => Reflect.get(body, name)
    const answer = this.#answer
    const model = field('model')
    const said: Said = {
      text: typeof answer === 'string' ? answer : await answer({ path, body }),
      model: typeof model === 'string' ? model : 'test-model',
      isStream: field('stream') === true,
      number,
      created: Math.floor(this.#clock.now() / 1_000),
    }
    if (path === '/v1/messages') return anthropicMessage(said)
    if (path === '/v1/responses') return openaiResponse(said)
    const hasUsage: unknown = Reflect.get(Object(field('stream_options')), 'include_usage')
    return chatCompletion(said, hasUsage === true)
  }
}

const MODEL = { id: 'test-model', object: 'model', created: 0, owned_by: 'llm-refresh' }
const PATHS = ['/v1/chat/completions', '/v1/responses', '/v1/messages']

function parsed(text: string): object | undefined {
  try {
    const body: unknown = JSON.parse(text)
    return typeof body === 'object' && body !== null ? body : undefined
  } catch {
    return undefined
  }
}
