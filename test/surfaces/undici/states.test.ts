import { gzipSync } from 'node:zlib'
import { describe, expect, test, vi } from 'vitest'
import { Refreshable, type RefreshEvent } from '../../../src/index.ts'
import { refreshingInterceptor } from '../../../src/surfaces/undici/index.ts'
import type { Dispatch } from '../../../src/surfaces/undici/types.ts'
import { responder } from '../../support/responder.ts'
import { settled } from '../../support/settled.ts'
import { type Inner, Listener, scripted } from './scripted.ts'

const ORIGIN = 'https://api.example.com'
const OPTIONS = { origin: ORIGIN, path: '/', method: 'GET' }
const REJECTED = { 'www-authenticate': 'Bearer' }

/** A request whose dispatcher and whose refresh the test plays. */
function play(
  on: Listener['on'] = {},
  initial: string | undefined = 't0',
): {
  listener: Listener
  /** Makes the request. */
  go(): Promise<void>
  sent: Inner[]
  inner(n: number): Inner
  source: ReturnType<typeof responder<string>>
  events: string[]
  abort(reason?: unknown): void
} {
  const source = responder<string>()
  const events: string[] = []
  const cell = new Refreshable<string>({ ...(initial !== '' && { initial }), refresh: source.refresh })
  const { dispatch, sent, inner } = scripted()
  const onEvent = ({ type }: RefreshEvent): unknown => events.push(type)
  const dispatching = refreshingInterceptor(cell, { origins: ORIGIN, inspectStreams: true, onEvent })(
    dispatch,
  )
  const listener = new Listener(on)
  return {
    listener,
    sent,
    inner,
    source,
    events,
    abort: (reason) => listener.controller?.abort(reason),
    go: async () => {
      // What is built of the first value is built by now, so that the request is made at once.
      if (initial !== '') {
        dispatching({ ...OPTIONS, method: 'HEAD' }, new Listener())
        await settled()
        sent.length = 0
      }
      dispatching(OPTIONS, listener)
    },
  }
}

const reason = new Error('The user left.')

/** What has happened when the caller leaves. Most end in an error at once; then nothing more is heard, or sent. */
const states: Record<string, { go(played: ReturnType<typeof play>): Promise<void>; heard: string[] }> = {
  'started, no answer yet': {
    async go({ go, inner }) {
      await go()
      inner(0).start()
    },
    heard: ['start'],
  },
  'an informational answer': {
    async go({ go, inner }) {
      await go()
      inner(0).start().head(103)
    },
    heard: ['start', '103 S103'],
  },
  'a rejection’s body is being read': {
    async go({ go, inner }) {
      await go()
      inner(0).start().head(401, REJECTED).data('no')
    },
    heard: ['start'],
  },
  'an event stream is looked at': {
    async go({ go, inner }) {
      await go()
      inner(0).start().head(200, { 'content-type': 'text/event-stream' }).data(': ping\n')
    },
    heard: ['start'],
  },
  'a compressed rejection is being read': {
    async go({ go, inner }) {
      await go()
      inner(0)
        .start()
        .head(401, { 'content-encoding': 'gzip' })
        .data(new Uint8Array([0x1f, 0x8b]))
    },
    heard: ['start'],
  },
  'a compressed event is being unpacked': {
    async go({ go, inner }) {
      await go()
      const sse = { 'content-type': 'text/event-stream', 'content-encoding': 'gzip' }
      inner(0).start().head(200, sse).data(gzipSync('data: 1\n\n'))
    },
    heard: ['start'],
  },
  'the credential is refreshed': {
    async go({ go, inner, source }) {
      await go()
      inner(0).answer(401)
      await settled()
      expect(source.calls.length).toBe(1)
    },
    heard: ['start'],
  },
  'the second attempt waits for a connection': {
    async go({ go, inner, source, sent }) {
      await go()
      inner(0).answer(401)
      await settled()
      source.call(0).resolve('t1')
      await settled()
      expect(sent.length).toBe(2)
    },
    heard: ['start'],
  },
  'the second attempt has started': {
    async go({ go, inner, source }) {
      await go()
      inner(0).answer(401)
      await settled()
      source.call(0).resolve('t1')
      await settled()
      inner(1).start()
    },
    heard: ['start'],
  },
  'the answer streams': {
    async go({ go, inner }) {
      await go()
      inner(0).start().head(200).data('one')
    },
    heard: ['start', '200 S200', 'one'],
  },
  'the second answer streams': {
    async go({ go, inner, source }) {
      await go()
      inner(0).answer(401)
      await settled()
      source.call(0).resolve('t1')
      await settled()
      inner(1).start().head(200).data('one')
    },
    heard: ['start', '200 S200', 'one'],
  },
}

describe('[C4, P12] the caller leaves', () => {
  test.each(Object.entries(states))(
    '[C4, P12] given %s, when the caller leaves, then it gets its reason at once, and nothing more',
    async (_, state) => {
      const played = play()
      await state.go(played)
      const { listener, sent, source, inner, events } = played
      expect(listener.heard).toEqual(state.heard)
      played.abort(reason)
      expect(listener.heard).toEqual([...state.heard, 'error'])
      expect(listener.error).toBe(reason)
      expect(listener.controller).toMatchObject({ aborted: true, reason })
      played.abort(new Error('again'))
      expect(listener.controller).toMatchObject({ aborted: true, reason })
      const count = sent.length
      // Whatever the connection, or the refresh, comes with later.
      const last = inner(count - 1)
      if (!last.controller.aborted && !last.controller.isComplete) {
        last.start()
        expect(last.controller).toMatchObject({ aborted: true, reason })
      }
      if (!listener.heard.includes('200 S200')) last.late()
      if (source.calls.length === 1) source.call(0).resolve('t1')
      for (let turn = 0; turn < 20; turn++) await settled()
      expect(listener.heard).toEqual([...state.heard, 'error'])
      expect(sent.length).toBe(count)
      expect(events.filter((type) => type === 'retried').length).toBe(count - 1)
      for (const { controller } of sent) expect(controller.aborted || controller.isComplete).toBe(true)
    },
  )

  test('[C4] given no credential yet, when the caller leaves, then nothing is sent', async () => {
    const { go, listener, abort, source, sent } = play({}, '')
    await go()
    expect(listener.heard).toEqual(['start'])
    abort(reason)
    expect(listener.heard).toEqual(['start', 'error'])
    await settled()
    source.call(0).resolve('t1')
    await settled()
    expect([listener.heard, sent.length, source.calls.length]).toEqual([['start', 'error'], 0, 1])
  })

  test('[C4] given a caller that leaves in its first callback, when its request begins, then nothing is sent, with a credential or without', async () => {
    const waiting = play({ start: () => waiting.abort(reason) }, '')
    await waiting.go()
    await settled()
    expect([waiting.listener.heard, waiting.source.calls.length]).toEqual([['start', 'error'], 0])
    const ready = play({ start: () => ready.abort(reason) })
    await ready.go()
    ready.inner(0).start().head(200)
    expect(ready.listener.heard).toEqual(['start', 'error'])
    expect(ready.inner(0).controller.aborted).toBe(true)
  })

  test('[C4] given a rejection that the caller is getting, when the caller leaves, then it gets its reason, and nothing more', async () => {
    const { go, inner, source, listener, abort } = play({
      head: () => listener.controller?.pause(),
    })
    await go()
    inner(0).answer(401, 'no')
    await settled()
    source.call(0).reject(new Error('down'))
    await settled()
    expect(listener.heard).toEqual(['start', '401 S401'])
    abort(reason)
    listener.controller?.resume()
    expect(listener.heard).toEqual(['start', '401 S401', 'error'])
  })

  test('[C4, P12] given a refresh that has ended, when the caller leaves at any time before the second attempt, then nothing more is sent for it', async () => {
    for (const initial of ['', 't0']) {
      for (let turns = 0; turns < 40; turns++) {
        const { go, source, sent, abort, inner, listener } = play({}, initial)
        await go()
        if (initial !== '') inner(0).answer(401)
        await settled()
        source.call(0).resolve('t1')
        for (let turn = 0; turn < turns; turn++) await Promise.resolve()
        abort(reason)
        const count = sent.length
        await settled()
        expect([turns, sent.length]).toEqual([turns, count])
        expect(listener.heard).toEqual(['start', 'error'])
      }
    }
  })

  test('[F3] given a handler that leaves while it gets a rejection, when it has left, then it gets nothing more of the rejection', async () => {
    for (const name of ['head', 'data'] as const) {
      const { go, inner, source, listener, abort } = play({ [name]: () => abort(reason) })
      await go()
      inner(0).start().head(401).data('one').data('two').end()
      await settled()
      source.call(0).reject(new Error('down'))
      await settled()
      const heard = name === 'head' ? [] : ['one']
      expect(listener.heard).toEqual(['start', '401 S401', ...heard, 'error'])
    }
  })

  test('given a request that has ended, when its caller aborts, then nothing happens', async () => {
    const { go, inner, source, listener, abort } = play()
    await go()
    inner(0).answer(401, 'no')
    await settled()
    source.call(0).reject(new Error('down'))
    await settled()
    listener.controller?.pause()
    listener.controller?.resume()
    expect(listener.heard).toEqual(['start', '401 S401', 'no', 'end {}'])
    abort(reason)
    const own = play({}, '')
    await own.go()
    await settled()
    own.source.call(0).reject(new Error('down'))
    await settled()
    own.abort(reason)
    for (const { heard } of [listener, own.listener]) expect(heard).not.toContain('error')
  })

  test('given an abort without a reason, when the caller gets the error, then it is that of undici', async () => {
    const { go, listener, abort } = play({}, '')
    await go()
    abort()
    expect(listener.error).toMatchObject({ name: 'AbortError', code: 'UND_ERR_ABORTED' })
  })
})

const lost = new Error('other side closed')

describe('given a connection that breaks,', () => {
  test('[P3] when no response has arrived, then the caller gets the error, and nothing is refreshed', async () => {
    const { go, inner, listener, source } = play()
    await go()
    inner(0).start().fail(lost)
    await settled()
    expect([listener.heard, listener.error]).toEqual([['start', 'error'], lost])
    expect(source.calls.length).toBe(0)
  })

  test('[P3] when undici has not even started the request, then the caller gets the error, without a controller', async () => {
    const { go, inner, listener } = play()
    await go()
    inner(0).handler.onResponseError?.(undefined, lost)
    expect([listener.heard, listener.error]).toEqual([['error'], lost])
  })

  test('when the second attempt is running, then the caller gets the error, too', async () => {
    const { go, inner, source, listener } = play()
    await go()
    inner(0).answer(401)
    await settled()
    source.call(0).resolve('t1')
    await settled()
    inner(1).start().fail(lost)
    expect([listener.heard, listener.error]).toEqual([['start', 'error'], lost])
  })

  test('[F3] when a rejection is being read, then it is a rejection all the same', async () => {
    const { go, inner, source, listener } = play()
    await go()
    inner(0).start().head(401).data('so far').fail(lost)
    await settled()
    source.call(0).resolve('t1')
    await settled()
    inner(1).answer(200, 'ok')
    expect(listener.heard).toEqual(['start', '200 S200', 'ok', 'end {}'])
  })

  test('[F3] when the caller gets a rejection that broke, then it breaks for the caller at the same place', async () => {
    const { go, inner, source, listener } = play()
    await go()
    inner(0).start().head(401).data('so far').fail(lost)
    await settled()
    source.call(0).reject(new Error('down'))
    await settled()
    expect([listener.heard, listener.error]).toEqual([['start', '401 S401', 'so far', 'error'], lost])
  })

  test('[F5] when a stream is open, then the caller gets the error after the bytes that have arrived', async () => {
    const { go, inner, listener } = play()
    await go()
    inner(0).start().head(200, { 'content-type': 'text/event-stream' }).data('data: 1\n\n').fail(lost)
    expect(listener.heard).toEqual(['start', '200 S200', 'data: 1\n\n', 'error'])
  })

  test('[F5, P13] when the caller pauses, then it gets the error at once, and nothing after it', async () => {
    const { go, inner, listener } = play({ data: () => listener.controller?.pause() })
    await go()
    const stream = inner(0).start().head(200, { 'content-type': 'text/event-stream' })
    stream.data(': a\n').data('data: 1\n\n').fail(lost)
    expect(listener.heard).toEqual(['start', '200 S200', ': a\n', 'error'])
    listener.controller?.resume()
    expect(listener.heard).toEqual(['start', '200 S200', ': a\n', 'error'])
  })

  test('given a dispatcher that throws, when a request is sent at once, then its dispatch throws, as without us', async () => {
    const listener = new Listener()
    const cell = new Refreshable({ initial: 't0', refresh: async () => 't1' })
    const broken: Dispatch = () => {
      throw lost
    }
    const dispatching = refreshingInterceptor(cell, { origins: ORIGIN })(broken)
    expect(() => dispatching(OPTIONS, listener)).toThrow(lost)
    await settled()
    expect(listener.heard).toEqual([])
  })

  test('given a dispatcher that throws, when a request has waited for its credential, then it fails', async () => {
    const listener = new Listener()
    const cell = new Refreshable({ refresh: async () => 't1' })
    const broken: Dispatch = () => {
      throw lost
    }
    refreshingInterceptor(cell, { origins: ORIGIN })(broken)(OPTIONS, listener)
    await settled()
    expect([listener.heard, listener.error]).toEqual([['start', 'error'], lost])
  })
})

describe('given a handler that throws', () => {
  const thrown = new Error('a mistake')
  const mistake = (): never => {
    throw thrown
  }

  test.each([
    ['start', ['start', 'error']],
    ['head', ['start', '200 S200', 'error']],
    ['data', ['start', '200 S200', 'body', 'error']],
    ['end', ['start', '200 S200', 'body', 'end {}', 'error']],
  ] as const)(
    'in %s: when a response passes at once, then the request ends with that error',
    async (name, heard) => {
      const { go, inner, listener } = play({ [name]: mistake })
      await go()
      inner(0).answer(200, 'body')
      expect([listener.heard, listener.error]).toEqual([heard, thrown])
      await settled()
    },
  )

  test.each([
    ['head', ['start', '401 S401', 'error']],
    ['data', ['start', '401 S401', 'body', 'error']],
    ['end', ['start', '401 S401', 'body', 'end {}', 'error']],
  ] as const)(
    'in %s: when a rejection passes later, then the request ends with that error',
    async (name, heard) => {
      const { go, inner, listener, source } = play({ [name]: mistake })
      await go()
      inner(0).answer(401, 'body')
      await settled()
      source.call(0).reject(new Error('down'))
      await settled()
      expect([listener.heard, listener.error]).toEqual([heard, thrown])
    },
  )

  test.each([
    ['start', ['start', 'error']],
    ['head', ['start', '401 Unauthorized (refresh_failed)', 'error']],
  ] as const)(
    'in %s: when the response is our own, then the request ends with that error',
    async (name, heard) => {
      const { go, listener, source } = play({ [name]: mistake }, '')
      await go()
      await settled()
      if (name === 'head') source.call(0).reject(new Error('down'))
      await settled()
      expect([listener.heard, listener.error]).toEqual([heard, thrown])
      expect(source.calls.length).toBe(name === 'head' ? 1 : 0)
    },
  )

  test('in error: when no callback is left to receive it, then the process gets the error', async () => {
    const later: (() => void)[] = []
    const { go, inner, listener } = play({ error: mistake })
    await go()
    inner(0).start()
    vi.stubGlobal('queueMicrotask', (run: () => void) => later.push(run))
    inner(0).fail(lost)
    vi.unstubAllGlobals()
    expect(listener.heard).toEqual(['start', 'error'])
    expect(later[0]).toThrow(thrown)
  })

  test('[F5] while a stream is inspected: when it throws, then the connection is closed', async () => {
    const { go, inner, listener } = play({ data: mistake })
    await go()
    inner(0).start().head(200, { 'content-type': 'text/event-stream' }).data('data: 1\n\n')
    expect([listener.heard, listener.error]).toEqual([['start', '200 S200', 'data: 1\n\n', 'error'], thrown])
    expect(inner(0).controller).toMatchObject({ aborted: true, reason: thrown })
  })
})

describe('pauses', () => {
  test('[P13] when the caller gets the response, then its pauses reach the connection', async () => {
    const { go, inner, listener } = play({ head: () => listener.controller?.pause() })
    await go()
    const { controller } = inner(0).start().head(200)
    expect(controller.paused).toBe(true)
    expect(listener.controller?.paused).toBe(true)
    listener.controller?.resume()
    expect(controller.paused).toBe(false)
  })

  test('[F3] given a pause before the response, when a rejection is read, then it is read all the same, and the pause holds for the next response', async () => {
    const { go, inner, listener, source } = play({
      head: () => {
        if (listener.heard.length === 2) listener.controller?.pause()
      },
    })
    await go()
    inner(0).start().head(103)
    expect(inner(0).controller.paused).toBe(false)
    inner(0).head(401).end()
    await settled()
    source.call(0).resolve('t1')
    await settled()
    inner(1).start().head(200)
    expect(inner(1).controller.paused).toBe(true)
    listener.controller?.resume()
    expect(inner(1).controller.paused).toBe(false)
  })

  test('[F5, P13] given bytes that were read already, when the caller pauses, then it gets them piece by piece, and the rest after them', async () => {
    const { go, inner, listener } = play({ data: () => listener.controller?.pause() })
    await go()
    const stream = inner(0).start().head(200, { 'content-type': 'text/event-stream' })
    stream.data(': a\n').data(': b\n').data('data: 1\n\n')
    const heard = ['start', '200 S200', ': a\n']
    expect(listener.heard).toEqual(heard)
    expect(stream.controller.paused).toBe(true)
    // What was on its way when it was paused.
    stream.data('data: 2\n\n').end({ t: '1' })
    for (const next of [': b\n', 'data: 1\n\n', 'data: 2\n\n', 'end {"t":"1"}']) {
      expect(listener.heard).toEqual(heard)
      listener.controller?.resume()
      heard.push(next)
    }
    expect(listener.heard).toEqual(heard)
  })

  test('[F5, P13] given a handler that pauses and resumes in its own callbacks, when bytes arrive, then it gets them in order', async () => {
    const { go, inner, listener } = play({
      head: () => {
        listener.controller?.pause()
        listener.controller?.resume()
        listener.heard.push('started')
      },
      data: () => {
        listener.controller?.pause()
        listener.controller?.resume()
      },
    })
    await go()
    const stream = inner(0).start().head(200, { 'content-type': 'text/event-stream' })
    stream.data(': a\n').data('data: 1\n\n')
    expect(stream.controller.paused).toBe(false)
    stream.data('data: 2\n\n').end()
    expect(listener.heard).toEqual([
      'start',
      '200 S200',
      'started',
      ': a\n',
      'data: 1\n\n',
      'data: 2\n\n',
      'end {}',
    ])
  })
})

describe('the controller', () => {
  test('[F1] given a retry, when the caller reads its controller, then it is one for both attempts, with the headers of the response that it gets', async () => {
    const { go, inner, listener, source } = play()
    await go()
    inner(0).start().head(401, { a: 'first' }).end()
    await settled()
    source.call(0).resolve('t1')
    await settled()
    inner(1).start().head(200, { a: 'second' })
    inner(1).controller.rawTrailers = ['raw']
    inner(1).end({ t: '1' })
    expect(listener.heard).toEqual(['start', '200 S200', 'end {"t":"1"}'])
    expect(String(listener.controller?.rawHeaders)).toBe('a,second')
    expect(listener.controller?.rawTrailers).toEqual(['raw'])
  })

  test("[F3] given a rejection that the caller gets, when it reads its controller, then that has the rejection's headers", async () => {
    const { go, inner, listener, source } = play()
    await go()
    inner(0).start().head(401, { a: 'first' })
    inner(0).controller.rawTrailers = ['raw']
    inner(0).end({ t: '1' })
    await settled()
    source.call(0).reject(new Error('down'))
    await settled()
    expect(listener.heard).toEqual(['start', '401 S401', 'end {"t":"1"}'])
    expect(String(listener.controller?.rawHeaders)).toBe('a,first')
    expect(listener.controller?.rawTrailers).toEqual(['raw'])
  })

  test('given a dispatcher that is busy, when it dispatches again, then the caller learns that it is busy, and the request starts once', async () => {
    const { dispatch, inner } = scripted()
    const cell = new Refreshable({ initial: 't0', refresh: async () => 't1' })
    const dispatching = refreshingInterceptor(cell, { origins: ORIGIN })(dispatch)
    const listener = new Listener()
    expect(dispatching(OPTIONS, listener)).toBe(false)
    inner(0).start().start().answer(200)
    expect(listener.heard).toEqual(['start', '200 S200', 'end {}'])
  })
})

describe('upgrades', () => {
  class Socket {
    destroyed = false
    readonly listeners: unknown[] = []
    on(_: string, listener: unknown): void {
      this.listeners.push(listener)
    }
    off(_: string, listener: unknown): void {
      this.listeners.splice(this.listeners.indexOf(listener), 1)
    }
    destroy(): void {
      this.destroyed = true
    }
  }

  test('[F3] given a rejected tunnel, when a fresh token is there, then it is requested again, and its connection is closed', async () => {
    const { go, inner, listener, source } = play()
    await go()
    const socket = new Socket()
    inner(0).start().upgrade(401, socket)
    await settled()
    expect([socket.destroyed, socket.listeners.length]).toEqual([false, 1])
    source.call(0).resolve('t1')
    await settled()
    expect(socket.destroyed).toBe(true)
    inner(1).start().upgrade(200, new Socket())
    expect(listener.heard).toEqual(['start', 'upgrade 200'])
  })

  test('[F3] given a refresh that fails, when a tunnel was rejected, then the caller gets it unchanged', async () => {
    const { go, inner, listener, source } = play()
    await go()
    const socket = new Socket()
    inner(0).start().upgrade(401, socket)
    await settled()
    source.call(0).reject(new Error('down'))
    await settled()
    expect(listener.heard).toEqual(['start', 'upgrade 401'])
    expect([socket.destroyed, socket.listeners.length]).toEqual([false, 0])
  })

  test('[P7] given a second rejection of a tunnel, when it arrives, then the caller gets it', async () => {
    const { go, inner, listener, source } = play()
    await go()
    inner(0).start().upgrade(401, new Socket())
    await settled()
    source.call(0).resolve('t1')
    await settled()
    const socket = new Socket()
    inner(1).start().upgrade(401, socket)
    await settled()
    expect(listener.heard).toEqual(['start', 'upgrade 401'])
    expect([socket.destroyed, source.calls.length]).toEqual([false, 1])
  })

  test('given a handler that throws, when it gets an upgrade, then it gets that error', async () => {
    const thrown = new Error('a mistake')
    const { go, inner, listener, source } = play({
      upgrade: () => {
        throw thrown
      },
    })
    await go()
    inner(0).start().upgrade(401, new Socket())
    await settled()
    source.call(0).reject(new Error('down'))
    await settled()
    expect([listener.heard, listener.error]).toEqual([['start', 'upgrade 401', 'error'], thrown])
  })

  test.each([0, 1])(
    '[C4] given a caller that leaves (after %i turns), when an upgrade arrives, then its connection is closed',
    async (turns) => {
      const { go, inner, listener, source, abort } = play()
      await go()
      const socket = new Socket()
      inner(0).start().upgrade(401, socket)
      for (let turn = 0; turn < turns; turn++) await settled()
      abort(reason)
      if (source.calls.length === 1) source.call(0).resolve('t1')
      await settled()
      expect(socket.destroyed).toBe(true)
      expect(listener.heard).toEqual(['start', 'error'])
      const late = new Socket()
      inner(0).handler.onRequestUpgrade?.(inner(0).controller, 101, {}, late)
      expect([late.destroyed, listener.heard.length]).toEqual([true, 2])
    },
  )
})
