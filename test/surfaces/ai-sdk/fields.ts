import { expect } from 'vitest'
import type { ChatRequest, Message } from '../../../src/surfaces/provider/index.ts'

const WEATHER = { type: 'object', properties: { city: { type: 'string' } } }
export const FORM = {
  type: 'object',
  properties: { a: { type: 'string' } },
  required: ['a'],
  additionalProperties: false,
}
export const TOOLS = [{ name: 'weather', description: 'Tells the weather.', inputSchema: WEATHER }]
export const CONVERSATION: Message[] = [
  {
    role: 'user',
    content: [
      { type: 'text', text: 'Look.' },
      { type: 'image', source: { mediaType: 'image/png', data: 'iVBORw0KGgo=' } },
      { type: 'document', source: { mediaType: 'application/pdf', data: 'JVBERi0=' } },
    ],
  },
  {
    role: 'assistant',
    content: [
      { type: 'text', text: 'One moment.' },
      { type: 'tool_use', id: 'call_1', name: 'weather', input: { city: 'Oslo' } },
    ],
  },
  {
    role: 'user',
    content: [
      { type: 'text', text: 'So?' },
      { type: 'tool_result', toolUseId: 'call_1', content: 'Rain.' },
    ],
  },
]

/** What a field becomes on the wire, or `unsupported`. By wire; or by name, where one differs. */
type Expected = Record<string, unknown>
const openAIFunction = { name: 'weather', description: 'Tells the weather.', parameters: WEATHER }
export const FIELDS: { field: string; request: Partial<ChatRequest>; becomes: Expected }[] = [
  {
    field: 'system',
    request: { system: 'Be brief.' },
    becomes: {
      anthropic: { system: [{ type: 'text', text: 'Be brief.' }] },
      'openai-chat': { messages: [{ role: 'developer', content: 'Be brief.' }, expect.anything()] },
      'openai-responses': { input: [{ role: 'developer', content: 'Be brief.' }, expect.anything()] },
      google: { systemInstruction: { parts: [{ text: 'Be brief.' }] } },
      'openai-compatible v4': { messages: [{ role: 'system', content: 'Be brief.' }, expect.anything()] },
    },
  },
  {
    field: 'messages with every block, tool results before the text beside them',
    request: { messages: CONVERSATION },
    becomes: {
      anthropic: {
        messages: [
          {
            role: 'user',
            content: [
              { type: 'text', text: 'Look.' },
              { type: 'image', source: { type: 'base64', media_type: 'image/png', data: 'iVBORw0KGgo=' } },
              {
                type: 'document',
                source: { type: 'base64', media_type: 'application/pdf', data: 'JVBERi0=' },
              },
            ],
          },
          {
            role: 'assistant',
            content: [
              { type: 'text', text: 'One moment.' },
              { type: 'tool_use', id: 'call_1', name: 'weather', input: { city: 'Oslo' } },
            ],
          },
          {
            role: 'user',
            content: [
              { type: 'tool_result', tool_use_id: 'call_1', content: 'Rain.' },
              { type: 'text', text: 'So?' },
            ],
          },
        ],
      },
      'openai-chat': {
        messages: [
          {
            role: 'user',
            content: [
              { type: 'text', text: 'Look.' },
              { type: 'image_url', image_url: { url: 'data:image/png;base64,iVBORw0KGgo=' } },
              { type: 'file', file: { file_data: 'data:application/pdf;base64,JVBERi0=' } },
            ],
          },
          {
            role: 'assistant',
            content: 'One moment.',
            tool_calls: [
              { id: 'call_1', type: 'function', function: { name: 'weather', arguments: '{"city":"Oslo"}' } },
            ],
          },
          { role: 'tool', tool_call_id: 'call_1', content: 'Rain.' },
          { role: 'user', content: 'So?' },
        ],
      },
      'openai-responses': {
        input: [
          {
            role: 'user',
            content: [
              { type: 'input_text', text: 'Look.' },
              { type: 'input_image', image_url: 'data:image/png;base64,iVBORw0KGgo=' },
              { type: 'input_file', file_data: 'data:application/pdf;base64,JVBERi0=' },
            ],
          },
          { role: 'assistant' },
          { type: 'function_call', call_id: 'call_1', name: 'weather', arguments: '{"city":"Oslo"}' },
          { type: 'function_call_output', call_id: 'call_1', output: 'Rain.' },
          { role: 'user', content: [{ type: 'input_text', text: 'So?' }] },
        ],
      },
      google: {
        contents: [
          {
            role: 'user',
            parts: [
              { text: 'Look.' },
              { inlineData: { mimeType: 'image/png', data: 'iVBORw0KGgo=' } },
              { inlineData: { mimeType: 'application/pdf', data: 'JVBERi0=' } },
            ],
          },
          {
            role: 'model',
            parts: [{ text: 'One moment.' }, { functionCall: { name: 'weather', args: { city: 'Oslo' } } }],
          },
          {
            role: 'user',
            parts: [{ functionResponse: { name: 'weather', response: { content: 'Rain.' } } }],
          },
          { role: 'user', parts: [{ text: 'So?' }] },
        ],
      },
    },
  },
  {
    field: 'tools',
    request: { tools: TOOLS },
    becomes: {
      anthropic: { tools: [{ name: 'weather', description: 'Tells the weather.', input_schema: WEATHER }] },
      'openai-chat': { tools: [{ type: 'function', function: openAIFunction }] },
      'openai-responses': { tools: [{ type: 'function', ...openAIFunction }] },
      google: { tools: [{ functionDeclarations: [{ name: 'weather', description: 'Tells the weather.' }] }] },
    },
  },
  {
    field: 'toolChoice',
    request: { tools: TOOLS, toolChoice: { type: 'tool', name: 'weather' } },
    becomes: {
      anthropic: { tool_choice: { type: 'tool', name: 'weather' } },
      'openai-chat': { tool_choice: { type: 'function', function: { name: 'weather' } } },
      'openai-responses': { tool_choice: { type: 'function', name: 'weather' } },
      google: { toolConfig: { functionCallingConfig: { mode: 'ANY', allowedFunctionNames: ['weather'] } } },
    },
  },
  {
    field: 'maxTokens',
    request: { maxTokens: 5000 },
    becomes: {
      anthropic: { max_tokens: 5000 },
      'openai-chat': { max_completion_tokens: 5000 },
      'openai-responses': { max_output_tokens: 5000 },
      google: { generationConfig: { maxOutputTokens: 5000 } },
      'openai-compatible v4': { max_tokens: 5000 },
    },
  },
  {
    field: 'sessionId',
    request: { sessionId: 'session-1' },
    becomes: {
      anthropic: { metadata: { user_id: 'session-1' } },
      'openai-chat': { prompt_cache_key: 'session-1' },
      'openai-responses': { prompt_cache_key: 'session-1' },
      google: 'unsupported',
      'openai-compatible v4': 'unsupported',
    },
  },
  {
    field: 'cachedContent',
    request: { cachedContent: 'cachedContents/1' },
    becomes: {
      anthropic: 'unsupported',
      'openai-chat': 'unsupported',
      'openai-responses': 'unsupported',
      google: { cachedContent: 'cachedContents/1' },
    },
  },
  {
    field: 'thinking.effort',
    request: { thinking: { mode: 'adaptive', effort: 'low' } },
    becomes: {
      anthropic: { thinking: { type: 'adaptive' }, output_config: { effort: 'low' } },
      'openai-chat': { reasoning_effort: 'low' },
      'openai-responses': { reasoning: { effort: 'low' } },
      google: { generationConfig: { thinkingConfig: { thinkingLevel: 'low', includeThoughts: true } } },
    },
  },
  {
    field: 'thinking.budgetTokens',
    request: { thinking: { mode: 'enabled', budgetTokens: 2000 }, maxTokens: 5000 },
    becomes: {
      // The AI SDK adds the budget to what it is told; Anthropic counts it within.
      anthropic: { thinking: { type: 'enabled', budget_tokens: 2000 }, max_tokens: 5000 },
      'openai-chat': 'unsupported',
      'openai-responses': 'unsupported',
      google: { generationConfig: { thinkingConfig: { thinkingBudget: 2000, includeThoughts: true } } },
    },
  },
  {
    field: 'responseFormat',
    request: { responseFormat: { type: 'json_schema', name: 'form', schema: FORM, strict: true } },
    becomes: {
      anthropic: { output_config: { format: { type: 'json_schema', schema: FORM } } },
      'openai-chat': {
        response_format: { type: 'json_schema', json_schema: { name: 'form', schema: FORM, strict: true } },
      },
      'openai-responses': {
        text: { format: { type: 'json_schema', name: 'form', schema: FORM, strict: true } },
      },
      google: { generationConfig: { responseMimeType: 'application/json', responseJsonSchema: FORM } },
      // Where the vendor has no schemas of its own, the AI SDK makes it a tool.
      'anthropic v2': { tools: [{ name: 'json', input_schema: FORM }] },
      'anthropic on vertex v4': { tools: [{ name: 'json', input_schema: FORM }] },
    },
  },
]
