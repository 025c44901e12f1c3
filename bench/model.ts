import { refreshingModel } from 'llm-refresh/ai-sdk'
import { elapsed, type Finding, inTurn } from './rounds.ts'

const PARTS = 20_000
const part = { type: 'text-delta', id: '0', delta: 'word ' }

interface Model {
  readonly specificationVersion: 'v4'
  readonly provider: string
  doStream(options: object): Promise<{ stream: ReadableStream<typeof part> }>
}

/** A model whose stream costs as little as a stream can. */
const bare: Model = {
  specificationVersion: 'v4',
  provider: 'bench',
  doStream: async () => {
    let left = PARTS
    const stream = new ReadableStream<typeof part>(
      {
        pull: (controller) => {
          if (left-- > 0) controller.enqueue(part)
          else controller.close()
        },
      },
      { highWaterMark: 0 },
    )
    return { stream }
  },
}

/** The same model behind a stream transform, as a middleware of the AI SDK adds one. `wrapLanguageModel` only calls the middleware. */
const piped: Model = {
  ...bare,
  doStream: async (options) => {
    const { stream, ...rest } = await bare.doStream(options)
    const transform = new TransformStream<typeof part, typeof part>({
      transform: (chunk, controller) => controller.enqueue(chunk),
    })
    return { ...rest, stream: stream.pipeThrough(transform) }
  },
}

/** The cost of one stream part through `refreshingModel`. */
export async function model(): Promise<Finding[]> {
  const wrapped = refreshingModel(bare, async () => bare)
  const plain = await inTurn(21, read(bare), read(wrapped))
  const { one, other, ratio } = await inTurn(41, read(piped), read(wrapped))
  return [
    {
      question: 'A part of a stream through refreshingModel',
      figure: ratio,
      unit: '×',
      ceiling: 0.45,
      note: `that through a middleware of the AI SDK with a TransformStream: ${perPart(other)} and ${perPart(one)}, the stream’s own ${perPart(plain.one)} included in both`,
    },
  ]
}

function read(from: Model): () => Promise<number> {
  return () =>
    elapsed(async () => {
      const { stream } = await from.doStream({})
      const reader = stream.getReader()
      let parts = 0
      while (!(await reader.read()).done) parts++
      if (parts !== PARTS) throw new Error(`read ${parts} of ${PARTS} parts`)
    })
}

function perPart(nanoseconds: number): string {
  return `${(nanoseconds / PARTS).toFixed(0)} ns`
}
