import { createAnthropic } from '@ai-sdk/anthropic'
import { createGoogle } from '@ai-sdk/google'
import { createOpenAI } from '@ai-sdk/openai'
import { createOpenAICompatible } from '@ai-sdk/openai-compatible'
import { APICallError } from '@ai-sdk/provider'
import { createAnthropic as createAnthropicV2 } from 'ai-sdk-anthropic-v2'
import { createOpenAI as createOpenAIV3 } from 'ai-sdk-openai-v3'
import { expect, test } from 'vitest'
import { verdict } from '../../src/core/verdict/unauthorized.ts'
import { OTHERS, REJECTIONS } from '../support/vendor-answers.ts'

const prompt = [{ role: 'user' as const, content: [{ type: 'text' as const, text: 'Hello' }] }]
const baseURL = 'https://vendor.example/v1'
/** The real providers of the AI SDK, whose service answers this. */
const real: Record<string, (fetch: typeof globalThis.fetch) => PromiseLike<unknown>> = {
  anthropic: (fetch) => createAnthropic({ apiKey: 'k', fetch })('claude').doGenerate({ prompt }),
  'anthropic, stream': (fetch) => createAnthropic({ apiKey: 'k', fetch })('claude').doStream({ prompt }),
  'anthropic V2': (fetch) => createAnthropicV2({ apiKey: 'k', fetch })('claude').doGenerate({ prompt }),
  openai: (fetch) => createOpenAI({ apiKey: 'k', fetch }).chat('gpt').doGenerate({ prompt }),
  'openai, responses': (fetch) => createOpenAI({ apiKey: 'k', fetch }).responses('gpt').doStream({ prompt }),
  'openai V3': (fetch) => createOpenAIV3({ apiKey: 'k', fetch }).chat('gpt').doGenerate({ prompt }),
  google: (fetch) => createGoogle({ apiKey: 'k', fetch })('gemini').doGenerate({ prompt }),
  'openai-compatible': (fetch) =>
    createOpenAICompatible({ name: 'x', baseURL, fetch })('m').doGenerate({ prompt }),
}

test.each(Object.keys(real))(
  '[U3] every vendor’s response, in the error that the AI SDK’s provider %s throws, gets its verdict',
  async (name) => {
    const call = real[name]
    for (const [table, rejected] of [
      [REJECTIONS, true],
      [OTHERS, false],
    ] as const) {
      for (const [vendor, { status, body, headers = {} }] of Object.entries(table)) {
        const text = typeof body === 'string' ? body : JSON.stringify(body)
        const error = await Promise.resolve(call?.(async () => new Response(text, { status, headers }))).then(
          () => 'no error',
          (thrown: unknown) => thrown,
        )
        expect(APICallError.isInstance(error)).toBe(true)
        expect([vendor, verdict(error)]).toEqual([vendor, expect.objectContaining({ rejected, status })])
      }
    }
  },
)
