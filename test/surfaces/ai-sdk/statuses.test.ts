import { describe, expect, test } from 'vitest'
import { languageModelProvider, refreshingModel } from '../../../src/surfaces/ai-sdk/index.ts'
import { MODELS } from './models.ts'
import { CALL } from './refreshing-remote.ts'
import { anthropicError, googleError, openAIError } from './vendor-errors.ts'
import { recorded } from './wire.ts'

const HELLO = { system: '', messages: [{ role: 'user' as const, content: 'Hello' }] }

/** What the vendors say in their words, by what the status would be. */
const SAID = {
  'rate limit': {
    anthropic: anthropicError('rate_limit_error', 'Slow down.'),
    'openai-chat': openAIError('requests', 'rate_limit_exceeded', 'Slow down.'),
    'openai-responses': openAIError('requests', 'rate_limit_exceeded', 'Slow down.'),
    google: googleError(429, 'RESOURCE_EXHAUSTED', 'Slow down.'),
  },
  authentication: {
    anthropic: anthropicError('authentication_error', 'No.'),
    'openai-chat': openAIError('invalid_request_error', 'token_expired', 'No.'),
    'openai-responses': openAIError('invalid_request_error', 'token_expired', 'No.'),
    google: googleError(401, 'UNAUTHENTICATED', 'No.'),
  },
}

// A gateway may send its errors as it would have sent the stream.
describe.each(MODELS)('$name, an error whose content type is that of a stream', ({ wire, create }) => {
  test.each([
    [401, 'rate limit', 1],
    [403, 'authentication', 0],
  ] as const)('[U2] the status decides: %d, whose words say %s', async (status, words, expected) => {
    const headers = { 'content-type': 'text/event-stream' }
    const { fetch } = recorded(() => new Response(JSON.stringify(SAID[words][wire]), { status, headers }))
    let refreshes = 0
    const model = refreshingModel(create({ fetch }), () => {
      refreshes++
      return Promise.reject(new Error('no'))
    })
    await expect(model.doStream(CALL)).rejects.toMatchObject({ statusCode: status })
    await expect(model.doGenerate(CALL)).rejects.toMatchObject({ statusCode: status })
    expect(refreshes).toBe(expected)
    const provider = languageModelProvider(create({ fetch }))
    expect(await provider.chat(HELLO)).toMatchObject({ type: 'invalid_request', status })
  })
})
