import type { Answer } from '../../test/support/llm-server.ts'
import { CITY_PROMPT, SAID } from '../clients/client.ts'

/** The city in the arguments of a tool call, and in an object. */
const CITY = JSON.stringify({ city: 'Paris' })

/** The model behind the clients. It calls a tool if it gets one, and returns a city if the prompt asks for one. */
export const model: Answer = ({ messages, tools, ...request }) => {
  if (request['_endpointType'] === 'embedding') return { embedding: [0.1, 0.2, 0.3] }
  const tool = tools?.[0]?.function.name
  const isAnswered = messages.some(({ role }) => role === 'tool')
  if (tool !== undefined && !isAnswered) return { toolCalls: [{ name: tool, arguments: CITY }] }
  if (JSON.stringify(messages).includes(CITY_PROMPT)) return { content: CITY }
  return { content: SAID }
}
