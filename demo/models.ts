import { createAnthropic } from '@ai-sdk/anthropic'
import { createGoogle } from '@ai-sdk/google'
import { createOpenAI } from '@ai-sdk/openai'
import type { LanguageModelV4 } from '@ai-sdk/provider'
import type { Vendor } from '../test/support/vendor-401.ts'

/** The vendors whose AI SDK providers the demo chats through. */
export const VENDORS: readonly Vendor[] = ['anthropic', 'openai', 'google']

/** A vendor's model, with a bearer token inside. */
export function vendorModel(
  vendor: Vendor,
  baseURL: string,
  token: string,
  fetch: typeof globalThis.fetch,
): LanguageModelV4 {
  switch (vendor) {
    case 'anthropic':
      return createAnthropic({ baseURL, authToken: token, fetch })('claude-sonnet-4-5')
    case 'openai':
      return createOpenAI({ baseURL, apiKey: token, fetch })('gpt-5')
    case 'google':
      // This package knows API keys only; Google takes a token as any bearer token, without the key's header.
      return createGoogle({
        baseURL,
        apiKey: token,
        headers: { Authorization: `Bearer ${token}`, 'x-goog-api-key': undefined },
        fetch,
      })('gemini-2.5-flash')
  }
}
