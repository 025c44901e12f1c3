import { describe, expect, test } from 'vitest'
import { following } from '../../../src/lib/abortable.ts'
import { languageModelProvider } from '../../../src/surfaces/ai-sdk/index.ts'
import { collect } from './deltas.ts'
import { fakeModel } from './fake-model.ts'

const HELLO = { system: '', messages: [{ role: 'user' as const, content: 'Hello' }] }

/** Runs something as on a platform that lacks these members. */
async function without(owner: object, names: readonly string[], run: () => Promise<void>): Promise<void> {
  const taken = names.map((name) => [name, Object.getOwnPropertyDescriptor(owner, name)] as const)
  for (const name of names) Reflect.deleteProperty(owner, name)
  try {
    await run()
  } finally {
    for (const [name, descriptor] of taken) if (descriptor) Object.defineProperty(owner, name, descriptor)
  }
}

/** React Native has no `AbortSignal.any`, and its signals have neither `reason` nor `throwIfAborted`. */
const asReactNative = (run: () => Promise<void>): Promise<void> =>
  without(AbortSignal, ['any'], () => without(AbortSignal.prototype, ['throwIfAborted', 'reason'], run))

describe('React Native', () => {
  test('[C4] given such a signal, when a model streams, then its text arrives and the signal keeps no listener', async () => {
    await asReactNative(async () => {
      const { signal, listeners } = counted()
      const model = fakeModel()
      const deltas = await collect(languageModelProvider(model).chatStream(HELLO, { signal }))
      expect(deltas.at(-1)?.type).toBe('done')
      expect(listeners()).toBe(0)
    })
  })

  test('[C4] given such a signal, when it aborts a stream that stalls, then the caller gets an AbortError, and the model observes the abort', async () => {
    await asReactNative(async () => {
      const leaving = new AbortController()
      let given: AbortSignal | undefined
      const model = fakeModel()
      let opened: () => void = () => undefined
      const opening = new Promise<void>((resolve) => (opened = resolve))
      model.doStream = async ({ abortSignal }) => {
        given = abortSignal
        opened()
        return { stream: new ReadableStream() }
      }
      const stream = languageModelProvider(model).chatStream(HELLO, { signal: leaving.signal })
      const next = stream[Symbol.asyncIterator]().next()
      await opening
      leaving.abort()
      await expect(next).rejects.toMatchObject({ name: 'AbortError' })
      expect(given?.aborted).toBe(true)
    })
  })

  test('[C4] given such a signal that has aborted, when a model is called, then the caller gets an AbortError', async () => {
    await asReactNative(async () => {
      const { signal } = aborted()
      const provider = languageModelProvider(fakeModel())
      await expect(provider.chat(HELLO, { signal })).rejects.toMatchObject({ name: 'AbortError' })
      await expect(collect(provider.chatStream(HELLO, { signal }))).rejects.toMatchObject({
        name: 'AbortError',
      })
    })
  })
})

test('[C4] given a signal that is not the platform’s own, when it aborts, then the one that follows it aborts for its reason', () => {
  const other = Object.assign(new EventTarget(), { aborted: false, reason: undefined })
  const { signal } = following(other as unknown as AbortSignal, new AbortController())
  const reason = new Error('left')
  Object.assign(other, { aborted: true, reason })
  other.dispatchEvent(new Event('abort'))
  expect([signal.aborted, signal.reason]).toEqual([true, reason])
})

function aborted(): AbortController {
  const controller = new AbortController()
  controller.abort()
  return controller
}

/** A signal, and how many listeners it has. */
function counted(): { signal: AbortSignal; listeners: () => number } {
  const { signal } = new AbortController()
  const heard = new Set<unknown>()
  const add = signal.addEventListener.bind(signal)
  const remove = signal.removeEventListener.bind(signal)
  Object.assign(signal, {
    addEventListener: (type: string, listener: () => void) => {
      heard.add(listener)
      add(type, listener)
    },
    removeEventListener: (type: string, listener: () => void) => {
      heard.delete(listener)
      remove(type, listener)
    },
  })
  return { signal, listeners: () => heard.size }
}
