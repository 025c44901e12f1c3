import { RefreshingProvider, type StreamDelta } from 'llm-refresh/provider'
import { collectGarbage } from '../test/support/garbage.ts'
import type { Finding } from './rounds.ts'
import { BenchProvider, request } from './subjects.ts'

const OPEN = 20_000
const CALLS = 100_000

/** The memory that the wrapper holds for each open stream, and keeps for each finished call. */
export async function memory(): Promise<Finding[]> {
  const bare = new BenchProvider(3)
  const wrapped = new RefreshingProvider(bare, async () => bare)
  await perOpenStream(() => wrapped.chatStream(request)) // warm up
  const ours = await perOpenStream(() => wrapped.chatStream(request))
  const theirs = await perOpenStream(() => bare.chatStream())
  return [
    {
      question: 'An open stream',
      figure: ours - theirs,
      unit: 'bytes more',
      ceiling: 1024,
      note: `than the provider's own iterator, ${OPEN.toLocaleString('en')} open at once`,
    },
    {
      question: 'A call that is over',
      figure: await perFinishedCall(wrapped),
      unit: 'bytes kept',
      ceiling: 1,
      note: `per call, over ${CALLS.toLocaleString('en')} chats and as many streams`,
    },
  ]
}

async function perOpenStream(open: () => AsyncIterable<StreamDelta>): Promise<number> {
  const before = used()
  const streams: AsyncIterator<StreamDelta>[] = []
  for (let n = 0; n < OPEN; n++) {
    const stream = open()[Symbol.asyncIterator]()
    await stream.next()
    streams.push(stream)
  }
  const bytes = (used() - before) / OPEN
  for (const stream of streams) await stream.return?.()
  return bytes
}

async function perFinishedCall(provider: RefreshingProvider): Promise<number> {
  const run = async (calls: number): Promise<void> => {
    for (let n = 0; n < calls; n++) {
      await provider.chat(request)
      for await (const _ of provider.chatStream(request));
    }
  }
  await run(CALLS / 10)
  const before = used()
  await run(CALLS)
  return Math.max(0, (used() - before) / CALLS)
}

function used(): number {
  collectGarbage()
  collectGarbage()
  return process.memoryUsage().heapUsed
}
