import { z } from 'zod'

/** The error that a program may throw when a stream reports an error. */
export class StreamError extends Error {}

const Chunk = z.object({
  error: z.object({ code: z.string() }).optional(),
  choices: z.array(z.object({ delta: z.object({ content: z.string().nullish() }) })).optional(),
})

/** Reads the text in an event stream of chat completions, as a program without the vendor's client does. */
export async function* textOf(body: AsyncIterable<Uint8Array> | null): AsyncGenerator<string> {
  const decoder = new TextDecoder()
  let rest = ''
  for await (const bytes of body ?? []) {
    const events = (rest + decoder.decode(bytes, { stream: true })).split('\n\n')
    rest = events.pop() ?? ''
    for (const event of events) yield piece(event.replace(/^data: /, ''))
  }
}

function piece(data: string): string {
  if (data === '[DONE]') return ''
  const { error, choices } = Chunk.parse(JSON.parse(data))
  if (error !== undefined) throw new StreamError(error.code)
  return choices?.[0]?.delta.content ?? ''
}

/** A request for a chat completion. */
export interface ChatRequest {
  readonly model: string
  readonly messages: readonly { readonly role: string; readonly content: string }[]
  readonly stream: boolean
}

export function chat(stream: boolean): ChatRequest {
  return { model: 'gpt-5', messages: [{ role: 'user', content: 'Hello?' }], stream }
}

/** The part of a response that this file reads. */
const ChatCompletion = z.object({
  choices: z.tuple([z.object({ message: z.object({ content: z.string() }) })]),
})

export function saidIn(answer: unknown): string {
  return ChatCompletion.parse(answer).choices[0].message.content
}

const List = z.object({ object: z.string() })

/** The kind of object in a response of the OpenAI API. */
export function objectIn(answer: unknown): string {
  return List.parse(answer).object
}
