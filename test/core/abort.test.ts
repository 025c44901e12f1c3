import { expect, test } from 'vitest'
import { Refreshable, retryOnce, retryStreamOnce } from '../../src/index.ts'
import { reasonOf, throwIfAborted } from '../../src/lib/abortable.ts'
import { responder } from '../support/responder.ts'

/** A signal as React Native has it: no `reason`, no `throwIfAborted`. */
class BareSignal extends EventTarget {
  aborted = false
  abort(): void {
    this.aborted = true
    this.dispatchEvent(new Event('abort'))
  }
}

function bareSignal(): { signal: AbortSignal; abort: () => void } {
  const bare = new BareSignal()
  return { signal: bare as unknown as AbortSignal, abort: () => bare.abort() }
}

const isRejection = (status: number): boolean => status === 401

test('[C4] given a signal without `reason` and `throwIfAborted`, when a call is rejected, then the call refreshes and is made again', async () => {
  const cell = new Refreshable({ initial: 'old', refresh: async () => 'new' })
  const { signal } = bareSignal()
  const attempt = async (token: string): Promise<number> => (token === 'new' ? 200 : 401)
  expect(await retryOnce(cell, attempt, { isRejection, signal })).toBe(200)
})

test('[C4] given such a signal, when it aborts a wait, then the caller gets an AbortError', async () => {
  const source = responder<string>()
  const cell = new Refreshable({ initial: 'old', refresh: source.refresh })
  const { signal, abort } = bareSignal()
  const rejected = cell.refresh({ generation: 1 }, { signal })
  const mapped = cell.map((value) => value).refresh({ generation: 1 }, { signal })
  abort()
  await expect(rejected).rejects.toMatchObject({ name: 'AbortError' })
  await expect(mapped).rejects.toMatchObject({ name: 'AbortError' })
  await expect(cell.snapshot({ signal })).rejects.toMatchObject({ name: 'AbortError' })
  await expect(cell.refresh({ generation: 1 }, { signal })).rejects.toMatchObject({ name: 'AbortError' })
  expect(source.calls).toHaveLength(1)
})

test('[C4] given such a signal, when a stream is rejected, then a second attempt opens', async () => {
  const cell = new Refreshable({ initial: 'old', refresh: async () => 'new' })
  const { signal } = bareSignal()
  const open = async function* (token: string) {
    if (token === 'old') throw Object.assign(new Error('expired'), { status: 401 })
    yield 'content'
  }
  const policy = { isContent: () => true, isEnd: () => false, signal }
  const items: string[] = []
  for await (const item of retryStreamOnce(cell, open, policy)) items.push(item)
  expect(items).toEqual(['content'])
})

test('[C4] given a signal that has a reason, when it has aborted, then the caller gets that reason, even if it is null', () => {
  for (const reason of [new Error('left'), 'left', null, 0]) {
    const signal = AbortSignal.abort(reason)
    expect(reasonOf(signal)).toBe(reason)
    let thrown: unknown = 'nothing'
    try {
      throwIfAborted(signal)
    } catch (error) {
      thrown = error
    }
    expect(thrown).toBe(reason)
  }
  throwIfAborted(undefined)
  throwIfAborted(new AbortController().signal)
})
