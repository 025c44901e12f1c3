/** Chats that are measured, all of them at once: enough for the machine to be busy with nothing else. */
const MEASURED = 24

/** So many times slower than measured may the machine become, and the demo still keeps up. */
const RESERVE = 4

/** Seconds: nobody waits for more than a few minutes. */
const LONGEST_LIFE = 60

/** How long a chat keeps this machine busy, in ms. Clients and servers run on it together, so this is what bounds the demo. */
export async function measureChat(chat: (index: number) => Promise<void>): Promise<number> {
  const started = performance.now()
  await Promise.all(Array.from({ length: MEASURED }, (_, index) => chat(index)))
  return (performance.now() - started) / MEASURED
}

/** How the demo is spread over time. */
export interface Load {
  /** All of them, in every lane. */
  readonly chats: number
  /** ms that a chat keeps the machine busy. */
  readonly busy: number
  /** How many lives of a token the chats are spread over. */
  readonly lives: number
  /** Seconds that a token lives at least. */
  readonly least: number
}

/**
 * How long an access token has to live, in whole seconds. A slow machine answers late, and a token that has expired before it arrives
 * is rejected twice: then the demo would show the machine, and no client.
 */
export function tokenSecondsFor({ chats, busy, lives, least }: Load): number {
  const needed = Math.ceil((chats * busy * RESERVE) / (lives * 1000))
  return Math.min(Math.max(least, needed), LONGEST_LIFE)
}
