import { createAnthropic } from '@ai-sdk/anthropic'
import { createGoogle } from '@ai-sdk/google'
import { createGoogleVertex } from '@ai-sdk/google-vertex'
import { createGoogleVertexAnthropic } from '@ai-sdk/google-vertex/anthropic'
import { createOpenAI } from '@ai-sdk/openai'
import { createOpenAICompatible } from '@ai-sdk/openai-compatible'
import { createAnthropic as createAnthropicV2 } from 'ai-sdk-anthropic-v2'
import { createAnthropic as createAnthropicV3 } from 'ai-sdk-anthropic-v3'
import { createOpenAI as createOpenAIV2 } from 'ai-sdk-openai-v2'
import { createOpenAI as createOpenAIV3 } from 'ai-sdk-openai-v3'
import { describe, expect, test } from 'vitest'
import { Refreshable } from '../../../src/index.ts'
import { refreshingModels } from '../../../src/surfaces/ai-sdk/index.ts'
import { Gate } from '../../support/gate.ts'
import { settled } from '../../support/settled.ts'
import { walkProvider } from '../../support/walk-provider.ts'

interface Settings {
  readonly apiKey: string
  readonly baseURL: string
  readonly fetch: typeof fetch
}

const baseURL = 'https://model.invalid/v1'
/** Every provider package that is installed here; `examples/test` walks the others. */
const PROVIDERS: readonly (readonly [string, (settings: Settings) => object])[] = [
  ['openai v4', createOpenAI],
  ['openai v3', createOpenAIV3],
  ['openai v2', createOpenAIV2],
  ['anthropic v4', ({ apiKey, ...rest }) => createAnthropic({ ...rest, authToken: apiKey })],
  ['anthropic v3', createAnthropicV3],
  ['anthropic v2', createAnthropicV2],
  ['google v4', createGoogle],
  ['google vertex v4', createGoogleVertex],
  [
    'anthropic on vertex v4',
    ({ apiKey, ...rest }) => createGoogleVertexAnthropic({ ...rest, generateAuthToken: async () => apiKey }),
  ],
  ['openai-compatible v4', (settings) => createOpenAICompatible({ ...settings, name: 'my-server' })],
]

describe.each(PROVIDERS)('%s', (_, create) => {
  test('[M5] given no token yet, when every member of the provider is read and called, then no request is made; with the token, requests carry that one', async () => {
    const sent: string[] = []
    const fetch = async (...given: Parameters<typeof globalThis.fetch>): Promise<Response> => {
      const request = new Request(...given)
      sent.push(`${request.url} ${JSON.stringify([...request.headers])}`)
      return Response.json({ error: { message: 'no' } }, { status: 500 })
    }
    const source = new Gate()
    source.hold(1)
    // What is called with nonsense may be told 401: then the same token comes again.
    const credential = new Refreshable({
      refresh: async () => {
        await source.pass()
        return { accessToken: 'real-token' }
      },
    })
    const provider = refreshingModels(credential, ({ accessToken }) =>
      create({ apiKey: accessToken, baseURL, fetch }),
    )
    const walk = walkProvider(provider)
    await settled()
    expect(walk.called).toContain('.languageModel().doGenerate')
    expect(sent).toEqual([])
    source.release()
    await walk.over
    expect(sent.length).toBeGreaterThan(0)
    for (const request of sent) {
      expect(request).toContain('real-token')
      expect(request).not.toContain('placeholder')
    }
  })
})
