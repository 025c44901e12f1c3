import type { ServerResponse } from 'node:http'
import type { Place } from './in-stream-401.ts'

/** Changes to a response that another handler writes. */
export interface Tampering {
  /** Sent instead of a response that is no event stream. */
  readonly instead?: (() => { status: number; headers: Record<string, string>; body: string }) | undefined
  /** Sent instead of the rest of an event stream. */
  readonly interruption?: { readonly text: string; readonly place: Place } | undefined
  /** Awaited after the first content of an event stream. */
  readonly afterContent?: (() => Promise<void>) | undefined
}

/** Matches content in an event of any vendor. Events before the first content have none, or an empty text. */
const CONTENT = /"(?:content|delta|text)":"[^"]/

/** Replaces the methods of a response, to change what its handler writes. */
export function tamper(response: ServerResponse, { instead, interruption, afterContent }: Tampering): void {
  const writeHead = response.writeHead.bind(response)
  const write = response.write.bind(response)
  const end = response.end.bind(response)
  let state: 'new' | 'flowing' | 'held' | 'over' = 'new'
  const queued: (() => void)[] = []

  function interrupt(text: string): void {
    state = 'over'
    write(text)
    end()
  }

  function send(chunk: string): void {
    if (state === 'over') return
    if (state === 'held') return void queued.push(() => send(chunk))
    if (interruption && interruption.place !== 'after_content') return interrupt(interruption.text)
    write(chunk)
    if (!CONTENT.test(chunk)) return
    if (interruption !== undefined) return interrupt(interruption.text)
    if (state === 'flowing' || afterContent === undefined) return
    void pause(afterContent)
  }

  async function pause(until: () => Promise<void>): Promise<void> {
    state = 'held'
    await until()
    state = 'flowing'
    for (const next of queued.splice(0)) next()
  }

  function finish(chunk?: string): void {
    if (state === 'held') return void queued.push(() => finish(chunk))
    if (state !== 'over') end(chunk)
  }

  function refuse(): void {
    if (instead === undefined) return
    state = 'over'
    const { status, headers, body } = instead()
    writeHead(status, headers)
    end(body)
  }

  Object.assign(response, {
    // aimock sets the headers of an event stream one by one, and does not call writeHead before the first event.
    writeHead: (...head: Parameters<typeof writeHead>) => {
      if (instead === undefined || response.getHeader('content-type') === 'text/event-stream')
        writeHead(...head)
      else if (state !== 'over') refuse()
      return response
    },
    write: (chunk: string) => {
      send(chunk)
      return true
    },
    end: (chunk?: string) => {
      finish(chunk)
      return response
    },
  })
}
