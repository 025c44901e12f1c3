import { RefreshError } from '../../errors.ts'

/** The reply as texts, although some clients return bytes, or parse text that looks like JSON. */
export function listOf(reply: unknown): (string | undefined)[] {
  if (Array.isArray(reply)) return reply.map(textOf)
  throw strange()
}

export function strange(): RefreshError {
  return new RefreshError(
    'store_invalid',
    'Redis answered with what its scripts do not give: is it a Redis, and does the client leave replies as they are?',
  )
}

function textOf(value: unknown): string | undefined {
  if (value === null || value === undefined) return undefined
  if (ArrayBuffer.isView(value)) return new TextDecoder().decode(value)
  return typeof value === 'string' ? value : JSON.stringify(value)
}
