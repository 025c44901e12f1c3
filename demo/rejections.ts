import { AsyncLocalStorage } from 'node:async_hooks'

interface Chat {
  rejections: number
}

const chats = new AsyncLocalStorage<Chat>()

/** Runs one chat and tells how many 401s its requests met on the wire, whoever dealt with them. */
export async function countingRejections<T>(
  chat: () => Promise<T>,
): Promise<{ result: T; rejections: number }> {
  const counted: Chat = { rejections: 0 }
  const result = await chats.run(counted, chat)
  return { result, rejections: counted.rejections }
}

/** A fetch that counts the 401s of the chat it is called in. */
export const countingFetch: typeof fetch = async (input, init) => {
  const response = await fetch(input, init)
  const chat = chats.getStore()
  if (chat && response.status === 401) chat.rejections++
  return response
}
