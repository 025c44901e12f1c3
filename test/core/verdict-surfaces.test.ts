// Every surface judges the same failure alike, whatever it made of it on the way.
import { describe, expect, test } from 'vitest'
import {
  type AiSdkLanguageModel,
  languageModelProvider,
  refreshingModel,
} from '../../src/surfaces/ai-sdk/index.ts'
import { RefreshingProvider } from '../../src/surfaces/provider/index.ts'
import { MODELS, type RealModel } from '../surfaces/ai-sdk/models.ts'
import { CALL } from '../surfaces/ai-sdk/refreshing-remote.ts'
import { EVENT_OTHERS, EVENT_REJECTIONS } from './corpus/events.ts'
import { HTTP_OTHERS } from './corpus/http-others.ts'
import { HTTP_REJECTIONS } from './corpus/http-rejections.ts'

const HELLO = { system: '', messages: [{ role: 'user' as const, content: 'Hello' }] }
const textOf = (body: unknown): string => (typeof body === 'string' ? body : JSON.stringify(body))

/** Who asked for a fresh credential, where the service answers each call with this. */
async function whoRefreshed(
  model: AiSdkLanguageModel,
  method: 'chat' | 'stream',
): Promise<{ model: boolean; provider: boolean }> {
  const asked = { model: false, provider: false }
  const wrapped = refreshingModel(model, () => {
    asked.model = true
    return Promise.reject(new Error('no'))
  })
  const provider = new RefreshingProvider(languageModelProvider(model, { onWarning: () => {} }), () => {
    asked.provider = true
    return Promise.reject(new Error('no'))
  })
  const runs =
    method === 'chat'
      ? [async () => wrapped.doGenerate(CALL), async () => provider.chat(HELLO)]
      : [
          async () => drained((await wrapped.doStream(CALL)).stream),
          async () => drained(provider.chatStream(HELLO)),
        ]
  for (const run of runs) await run().catch(() => undefined)
  return asked
}

async function drained(items: AsyncIterable<unknown>): Promise<void> {
  for await (const _ of items) continue
}

const NAMES = [
  'anthropic v4',
  'anthropic v2',
  'openai chat v4',
  'openai responses v4',
  'openai chat v2',
  'google v4',
]
const some = MODELS.filter(({ name }) => NAMES.includes(name))

describe.each(some)('$name', ({ wire, create }: RealModel) => {
  const shapes = [
    ...HTTP_REJECTIONS.map((shape) => ({ ...shape, rejected: true })),
    ...HTTP_OTHERS.map((shape) => ({ ...shape, rejected: false })),
  ].filter(({ status }) => status !== 302)

  test('[U2, U3, U4, P2, M1] given a response of the corpus, then the model and the provider give the same verdict', async () => {
    const wrong: unknown[] = []
    for (const { vendor, status, headers, body, rejected } of shapes) {
      const answer = async (): Promise<Response> =>
        new Response(textOf(body), { status, headers: { 'content-type': 'application/json', ...headers } })
      const asked = await whoRefreshed(create({ fetch: answer }), 'chat')
      if (asked.model !== rejected || asked.provider !== rejected) {
        wrong.push([vendor, status, textOf(body).slice(0, 120), asked])
      }
    }
    expect(wrong).toEqual([])
  })

  const prefix = {
    anthropic: 'Anthropic',
    'openai-chat': 'OpenAI chat',
    'openai-responses': 'OpenAI resp',
    google: 'Google',
  }
  const gateways = wire === 'openai-chat' ? ['LiteLLM', 'OpenRouter', 'Azure', 'Ollama', 'AWS'] : []
  const fitting = [
    ...EVENT_REJECTIONS.map((event) => ({ ...event, rejected: true })),
    ...EVENT_OTHERS.map((event) => ({ ...event, rejected: false })),
  ].filter(({ vendor }) => vendor.startsWith(prefix[wire]) || gateways.includes(vendor))

  test('[U3, U6, P5, M3] given a first event of the corpus, then the model and the provider give the same verdict', async () => {
    const wrong: unknown[] = []
    for (const { name, data, rejected } of fitting) {
      const answer = async (): Promise<Response> =>
        new Response(`${name && `event: ${name}\n`}data: ${textOf(data)}\n\n`, {
          headers: { 'content-type': 'text/event-stream' },
        })
      const asked = await whoRefreshed(create({ fetch: answer }), 'stream')
      if (asked.model !== rejected || asked.provider !== rejected) wrong.push([name, data, asked])
    }
    expect(fitting.length).toBeGreaterThan(1)
    expect(wrong).toEqual([])
  })
})
