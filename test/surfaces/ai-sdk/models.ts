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
import type { AiSdkLanguageModel } from '../../../src/surfaces/ai-sdk/index.ts'
import type { Wire } from './wire.ts'

/** Where a model's requests go, and who it says it is. */
export interface Connection {
  fetch?: typeof fetch
  /** Default: no server that exists. */
  baseURL?: string
  token?: string
}

/** A real model of a real AI SDK provider package. */
export interface RealModel {
  readonly name: string
  readonly wire: Wire
  readonly version: AiSdkLanguageModel['specificationVersion']
  /** The namespace of its options. */
  readonly namespace: string
  create(connection: Connection): AiSdkLanguageModel
}

const NOWHERE = 'https://model.invalid/v1'

function settings({ fetch, baseURL = NOWHERE, token = 'secret-token' }: Connection): {
  baseURL: string
  apiKey: string
  fetch?: typeof globalThis.fetch
} {
  return { baseURL, apiKey: token, ...(fetch !== undefined && { fetch }) }
}

/** Anthropic takes a bearer token by another name than a key. */
function bearer(connection: Connection): { baseURL: string; authToken: string; fetch?: typeof fetch } {
  const { apiKey, ...rest } = settings(connection)
  return { ...rest, authToken: apiKey }
}

/** These packages know API keys only; Google takes a token as any bearer token, without the key's header. */
function google(connection: Connection): ReturnType<typeof settings> & { headers: Record<string, string> } {
  const { apiKey, ...rest } = settings(connection)
  return { ...rest, apiKey, headers: { Authorization: `Bearer ${apiKey}` } }
}

/** Each provider package, by version of the specification and by API. */
export const MODELS: readonly RealModel[] = [
  {
    name: 'anthropic v4',
    wire: 'anthropic',
    version: 'v4',
    namespace: 'anthropic',
    create: (connection) => createAnthropic(bearer(connection))('claude-sonnet-4-5'),
  },
  {
    name: 'anthropic v3',
    wire: 'anthropic',
    version: 'v3',
    namespace: 'anthropic',
    create: (connection) => createAnthropicV3(bearer(connection))('claude-sonnet-4-5'),
  },
  {
    name: 'anthropic v2',
    wire: 'anthropic',
    version: 'v2',
    namespace: 'anthropic',
    // It knows API keys only.
    create: (connection) => createAnthropicV2(settings(connection))('claude-sonnet-4-5'),
  },
  {
    name: 'anthropic on vertex v4',
    wire: 'anthropic',
    version: 'v4',
    namespace: 'anthropic',
    create: (connection) => {
      const { apiKey, ...rest } = settings(connection)
      const generateAuthToken = (): Promise<string> => Promise.resolve(apiKey)
      return createGoogleVertexAnthropic({ ...rest, generateAuthToken })('claude-sonnet-4-5')
    },
  },
  {
    name: 'openai chat v4',
    wire: 'openai-chat',
    version: 'v4',
    namespace: 'openai',
    create: (connection) => createOpenAI(settings(connection)).chat('gpt-5'),
  },
  {
    name: 'openai chat v3',
    wire: 'openai-chat',
    version: 'v3',
    namespace: 'openai',
    create: (connection) => createOpenAIV3(settings(connection)).chat('gpt-5'),
  },
  {
    name: 'openai chat v2',
    wire: 'openai-chat',
    version: 'v2',
    namespace: 'openai',
    create: (connection) => createOpenAIV2(settings(connection)).chat('gpt-5'),
  },
  {
    name: 'openai responses v4',
    wire: 'openai-responses',
    version: 'v4',
    namespace: 'openai',
    create: (connection) => createOpenAI(settings(connection)).responses('gpt-5'),
  },
  {
    name: 'openai responses v3',
    wire: 'openai-responses',
    version: 'v3',
    namespace: 'openai',
    create: (connection) => createOpenAIV3(settings(connection)).responses('gpt-5'),
  },
  {
    name: 'openai responses v2',
    wire: 'openai-responses',
    version: 'v2',
    namespace: 'openai',
    create: (connection) => createOpenAIV2(settings(connection)).responses('gpt-5'),
  },
  {
    name: 'google v4',
    wire: 'google',
    version: 'v4',
    namespace: 'google',
    create: (connection) => createGoogle(google(connection))('gemini-3-pro-preview'),
  },
  {
    name: 'google vertex v4',
    wire: 'google',
    version: 'v4',
    namespace: 'googleVertex',
    create: (connection) => createGoogleVertex(google(connection))('gemini-3-pro-preview'),
  },
  {
    name: 'openai-compatible v4',
    wire: 'openai-chat',
    version: 'v4',
    namespace: 'myServer',
    create: (connection) =>
      createOpenAICompatible({
        ...settings(connection),
        name: 'my-server',
        includeUsage: true,
        supportsStructuredOutputs: true,
      })('a-model'),
  },
]

/** The models that speak one of these protocols. */
export function speaking(...wires: readonly Wire[]): RealModel[] {
  return MODELS.filter(({ wire }) => wires.includes(wire))
}

/** The one model of that name. */
export function modelNamed(name: string): RealModel {
  const found = MODELS.find((model) => model.name === name)
  if (found === undefined) throw new Error(`no model is named ${name}`)
  return found
}
