import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { refreshingFetch } from '../../../src/index.ts'
import { FirstEvent } from '../../../src/surfaces/shared/first-event.ts'
import { IN_STREAM_REJECTIONS, OTHER_FIRST_EVENTS } from '../../support/first-events.ts'
import { broken, tokens } from './cells.ts'

const SSE = { 'content-type': 'text/event-stream; charset=utf-8' }
const CONTENT = 'event: message_start\ndata: {"type":"message_start"}\n\ndata: {"text":"hi"}\n\n'

describe('[F5] the first event', () => {
  test('[F5] given any pieces of a stream, when they arrive, then the same event is found, and the caller gets every byte', async () => {
    const heartbeats = fc.constantFrom(': ä comment\n\n', 'event: ping\ndata: {}\n\n', '\n', 'id: 1\n\n')
    const lines = fc.constantFrom('\n', '\r\n', '\r')
    await fc.assert(
      fc.asyncProperty(
        fc.array(heartbeats, { maxLength: 4 }),
        fc.constantFrom(...Object.values(IN_STREAM_REJECTIONS), ...Object.values(OTHER_FIRST_EVENTS)),
        lines,
        fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 1, maxLength: 20 }),
        fc.boolean(),
        async (before, event, line, sizes, refreshWorks) => {
          const text = `${before.join('')}${event}data: more\n\n`.replaceAll('\n', line)
          const bytes = new TextEncoder().encode(text)
          let cancelled = 0
          const stream = (): ReadableStream<Uint8Array> => {
            let at = 0
            let turn = 0
            return new ReadableStream({
              pull(controller) {
                const end = at + (sizes[turn++ % sizes.length] ?? 1)
                controller.enqueue(bytes.slice(at, end))
                at = end
                if (at >= bytes.length) controller.close()
              },
              cancel: () => {
                cancelled++
              },
            })
          }
          const isRejection = Object.values(IN_STREAM_REJECTIONS).includes(event)
          const { cell, refreshes } = refreshWorks ? tokens() : broken('t0')
          const sent: string[] = []
          const fetch = refreshingFetch(cell, {
            origins: 'https://a.example',
            inspectStreams: true,
            fetch: async (_, init) => {
              sent.push(new Headers(init?.headers).get('authorization') ?? '')
              return sent.length === 1 ? new Response(stream(), { headers: SSE }) : new Response(CONTENT)
            },
          })
          const received = await (await fetch('https://a.example')).text()
          expect(refreshes()).toBe(isRejection ? 1 : 0)
          expect(sent.length).toBe(isRejection && refreshWorks ? 2 : 1)
          if (isRejection && refreshWorks) expect(received).toBe(CONTENT)
          else expect(received).toBe(text)
          expect(cancelled).toBeLessThanOrEqual(1)
        },
      ),
      { numRuns: 300 },
    )
  })
})

test('[F5] given a byte order mark and an event of many lines, when they are read, then the result is that of the standard', () => {
  const first = new FirstEvent()
  const bytes = new TextEncoder().encode('\u{feff}event:error\r\ndata:{"a":\r\ndata: 1}\r\n\r\n')
  expect(first.push(bytes)).toEqual({ name: 'error', data: '{"a":\n1}' })
})
