import { setTimeout as delay } from 'node:timers/promises'
import type { ChatRequest } from 'llm-refresh/provider'
import type { Answer } from '../test/support/llm-server.ts'

/** A question, and the answer that the embedded model gives to it, to the letter. */
export interface Exchange {
  readonly question: string
  readonly answer: string
}

/** What the many chats are about. */
export const SHORT: Exchange = {
  question: 'In one sentence: what is a refresh token?',
  answer: 'It is a slip that you hand in for a new ticket, and it works once.',
}

/** The one chat that is shown as it streams. */
export const SHOWN: Exchange = {
  question: 'Tell me the story of the token that expired.',
  answer:
    'There was once a token that had three chats to look after, and not long to live. It expired just before you ' +
    'asked for this story, so the service answered 401. Nobody told you, because nobody had to: one refresh was ' +
    'made for everyone who needed it, your question was asked once more with the new token, and the story began ' +
    'as if nothing had happened. And if that token has not expired, it is being used to this day.',
}

/** How the answers arrive: pieces of so many characters, so many of them a second. */
export const PACE = { chunkSize: 8, streamingProfile: { ttft: 30, tps: 30 } }

/** ms that the model thinks before it says anything. */
const THINKING = 150

export function requestOf({ question }: Exchange): ChatRequest {
  return { system: '', messages: [{ role: 'user', content: question }], maxTokens: 400 }
}

/** The embedded model. */
export const model: Answer = async ({ messages }) => {
  await delay(THINKING)
  const asked = JSON.stringify(messages)
  const { answer } = asked.includes(SHOWN.question) ? SHOWN : SHORT
  return { content: answer }
}
