import type { Answer } from '../../test/support/llm-server.ts'
import { CITY_PROMPT, SAID } from '../clients/client.ts'

/** What a tool is asked, and what an object says. */
const CITY = JSON.stringify({ city: 'Paris' })

/** The model that the clients talk with. It uses a tool where it is given one, and names a city where it is asked to. */
export const model: Answer = ({ messages, tools, ...request }) => {
  if (request['_endpointType'] === 'embedding') return { embedding: [0.1, 0.2, 0.3] }
  const tool = tools?.[0]?.function.name
  const isAnswered = messages.some(({ role }) => role === 'tool')
  if (tool !== undefined && !isAnswered) return { toolCalls: [{ name: tool, arguments: CITY }] }
  if (JSON.stringify(messages).includes(CITY_PROMPT)) return { content: CITY }
  return { content: SAID }
}
