import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { Refreshable, type RefreshEvent, refreshingFetch } from '../../../src/index.ts'
import { bearer, type RecordingServer, startRecordingServer } from '../../support/recording-server.ts'
import { settled } from '../../support/settled.ts'
import { tokens } from './cells.ts'

type Fetch = typeof globalThis.fetch

const ORIGIN = 'https://api.example.com'

let server: RecordingServer
beforeEach(async () => {
  server = await startRecordingServer(bearer((token) => token === 't1'))
})
afterEach(async () => {
  vi.unstubAllGlobals()
  await server.close()
})

/** Takes a member away for a test, as on a platform that has it not. */
async function without(owner: object, names: readonly string[], run: () => Promise<void>): Promise<void> {
  const taken = names.map((name) => [name, Object.getOwnPropertyDescriptor(owner, name)] as const)
  for (const name of names) Reflect.deleteProperty(owner, name)
  try {
    await run()
  } finally {
    for (const [name, descriptor] of taken) if (descriptor) Object.defineProperty(owner, name, descriptor)
  }
}

describe('React Native', () => {
  test('[F1, C4] given a signal that has neither reason nor throwIfAborted, when a call is rejected, then it is made again', async () => {
    await without(AbortSignal.prototype, ['throwIfAborted', 'reason'], async () => {
      const { cell, refreshes } = tokens()
      const fetch = refreshingFetch(cell, { origins: server.origin })
      const response = await fetch(server.origin, { signal: new AbortController().signal })
      expect([response.status, refreshes()]).toEqual([200, 1])
    })
  })

  test('[C4] given such a signal, when it aborts while the credential is refreshed, then the call ends with an AbortError', async () => {
    await without(AbortSignal.prototype, ['throwIfAborted', 'reason'], async () => {
      const never = new Refreshable<string>({ initial: 't0', refresh: () => new Promise(() => undefined) })
      const fetch = refreshingFetch(never, {
        origins: ORIGIN,
        fetch: async () => new Response('', { status: 401 }),
      })
      const leaving = new AbortController()
      const call = fetch(ORIGIN, { signal: leaving.signal })
      await settled()
      leaving.abort()
      await expect(call).rejects.toMatchObject({ name: 'AbortError' })
    })
  })

  test('[F2] given a form that cannot be iterated, when an upload is rejected, then the form is sent again', async () => {
    class Form {
      readonly parts: unknown[] = []
      append(...part: unknown[]): void {
        this.parts.push(part)
      }
    }
    vi.stubGlobal('FormData', Form)
    const sent: unknown[] = []
    const { cell, refreshes } = tokens()
    const fetch = refreshingFetch(cell, {
      origins: ORIGIN,
      fetch: async (_, init) => {
        sent.push(init?.body)
        return new Response('', { status: refreshes() === 0 ? 401 : 200 })
      },
    })
    const form = new FormData()
    form.append('file', { uri: 'file:///a.m4a' } as unknown as Blob)
    expect((await fetch(ORIGIN, { method: 'POST', body: form })).status).toBe(200)
    expect(sent).toEqual([form, form])
  })

  test('[F1, F10] given a Request that holds its URL as a member of its own, when it is sent, then it has the credential', async () => {
    class Plain {
      readonly url: string
      readonly headers: Headers = new Headers()
      constructor(url: string) {
        this.url = url
      }
    }
    vi.resetModules()
    vi.stubGlobal('Request', Plain)
    const seen: (string | null)[] = []
    vi.stubGlobal('fetch', async (_: unknown, init: RequestInit) => {
      seen.push(new Headers(init.headers).get('authorization'))
      return new Response()
    })
    const fresh = await import('../../../src/surfaces/fetch/index.ts')
    await fresh.refreshingFetch(tokens().cell, { origins: ORIGIN })(
      new Plain(`${ORIGIN}/`) as unknown as Request,
    )
    expect(seen).toEqual(['Bearer t0'])
  })
})

describe('Firefox', () => {
  test.each<[string, RequestInit | undefined, string]>([
    ['without a body', undefined, ''],
    ['with a text', { method: 'POST', body: 'hello' }, 'hello'],
  ])(
    '[F2] given a Request that does not show its body, %s, when it is rejected, then it is sent again',
    async (_, init, body) => {
      await without(Request.prototype, ['body'], async () => {
        const fetch = refreshingFetch(tokens().cell, { origins: server.origin })
        expect((await fetch(new Request(server.origin, init))).status).toBe(200)
        expect(server.requests.map((sent) => String(sent.body))).toEqual([body, body])
      })
    },
  )

  test('[F2] given a Request over the limit that does not show its body, when it is rejected, then the 401 names the limit', async () => {
    await without(Request.prototype, ['body'], async () => {
      const { cell, heard, onEvent } = tokens()
      const fetch = refreshingFetch(cell, { origins: server.origin, replayLimit: 4, onEvent })
      expect((await fetch(new Request(server.origin, { method: 'POST', body: 'hello' }))).status).toBe(401)
      expect(heard).toMatchObject([{ error: { message: expect.stringContaining('4 bytes') } }])
    })
  })
})

describe('[F10] what was checked is what is fetched', () => {
  /** Sends it, and gives where it went, and with what. */
  async function sent(input: unknown): Promise<unknown[]> {
    const seen: unknown[] = []
    const platform: Fetch = async (to, init) => {
      const request = new Request(to, init)
      seen.push(request.url, request.headers.get('authorization'))
      return new Response()
    }
    vi.stubGlobal('fetch', platform)
    await refreshingFetch(tokens().cell, { origins: ORIGIN })(input as string)
    return seen
  }

  test('[F10] given an object that gives another text each time, when it is fetched, then the first one counts', async () => {
    const texts = [`${ORIGIN}/`, 'https://evil.example/']
    expect(await sent({ toString: () => texts.shift() ?? 'https://evil.example/' })).toEqual([
      `${ORIGIN}/`,
      'Bearer t0',
    ])
  })

  test('[F10] given a Request with a url of its own, or of a subclass, when it is fetched, then its real destination counts', async () => {
    class Lying extends Request {
      override get url(): string {
        return `${ORIGIN}/`
      }
    }
    const own = Object.defineProperty(new Request('https://evil.example/'), 'url', { value: `${ORIGIN}/` })
    for (const request of [own, new Lying('https://evil.example/')]) {
      vi.unstubAllGlobals()
      expect((await sent(request))[1]).toBe(null)
    }
  })

  test('[F10] given an object that only looks like a Request, when it is fetched, then its text counts, as on the platform', async () => {
    const look = { url: `${ORIGIN}/`, toString: () => 'https://evil.example/' }
    expect(await sent(look)).toEqual(['https://evil.example/', null])
  })

  test('[F10] given a URL that parsers read differently, when it is fetched, then the URL that was checked is fetched', async () => {
    const seen: unknown[] = []
    const fetch = refreshingFetch(tokens().cell, {
      origins: ORIGIN,
      fetch: async (to) => (seen.push(to), new Response()),
    })
    await fetch('https://api.example.com\\@evil.example/')
    expect(seen).toEqual([`${ORIGIN}/@evil.example/`])
  })

  test.each<[string, () => RequestInit | undefined]>([
    ['an object', () => ({ headers: { Host: 'evil.example', 'x-a': '1' } })],
    [
      'pairs',
      () => ({
        headers: [
          ['HOST', 'evil.example'],
          ['x-a', '1'],
        ],
      }),
    ],
    ['Headers', () => ({ headers: new Headers({ host: 'evil.example', 'x-a': '1' }) })],
  ])(
    '[F10] given %s with a forwarded host, when it is fetched, then the request names its own server',
    async (_, init) => {
      const fetch = refreshingFetch(tokens().cell, { origins: server.origin })
      await fetch(server.origin, init())
      expect(server.sent('host')).toEqual([server.origin.slice(7), server.origin.slice(7)])
      expect(server.sent('x-a')).toEqual(['1', '1'])
    },
  )
})

describe('[F1] a fetch beneath gets headers in the form that the caller gave', () => {
  test.each<[string, HeadersInit, unknown]>([
    [
      'an object',
      { 'Content-Type': 'a/b', Authorization: 'unused' },
      { 'Content-Type': 'a/b', Authorization: 'Bearer t0' },
    ],
    [
      'an object without ours',
      { 'content-type': 'a/b' },
      { 'content-type': 'a/b', authorization: 'Bearer t0' },
    ],
    [
      'pairs',
      [
        ['a', '1'],
        ['A', '2'],
        ['authorization', 'unused'],
      ],
      [
        ['a', '1'],
        ['A', '2'],
        ['authorization', 'Bearer t0'],
      ],
    ],
  ])('[F1] %s', async (_, headers, expected) => {
    const seen: unknown[] = []
    const own: Fetch = async (__, init) => (seen.push(init?.headers), new Response())
    const before = structuredClone(headers)
    await refreshingFetch(tokens().cell, { origins: ORIGIN, fetch: own })(ORIGIN, { headers })
    expect(seen).toEqual([expected])
    expect(headers).toEqual(before)
  })

  test('[F1] given Headers, when a call is made, then they arrive as Headers; given none, then as Headers that can be spread', async () => {
    const seen: unknown[] = []
    const own: Fetch = async (_, init) => (seen.push(init?.headers), new Response())
    const fetch = refreshingFetch(tokens().cell, { origins: ORIGIN, fetch: own })
    await fetch(ORIGIN, { headers: new Headers({ a: '1' }) })
    await fetch(ORIGIN)
    expect(seen[0]).toBeInstanceOf(Headers)
    expect([...(seen[0] as Headers)]).toEqual([
      ['a', '1'],
      ['authorization', 'Bearer t0'],
    ])
    expect((seen[1] as Headers).get('authorization')).toBe('Bearer t0')
    expect({ ...(seen[1] as object) }).toEqual({ authorization: 'Bearer t0' })
  })
})

test('[F11] given a base URL that is not among the origins, when it answers 401, then an event tells so, once for each origin', async () => {
  const heard: RefreshEvent[] = []
  const fetch = refreshingFetch(tokens().cell, { origins: ORIGIN, onEvent: (event) => heard.push(event) })
  for (let n = 0; n < 3; n++) expect((await fetch(`${server.origin}/${n}`)).status).toBe(401)
  expect(heard).toEqual([{ type: 'bypassed', origin: server.origin }])
})

test('[F11] given very many such origins, when they answer 401, then events tell of 256 at most', async () => {
  let told = 0
  const fetch = refreshingFetch(tokens().cell, {
    origins: ORIGIN,
    fetch: async () => new Response('', { status: 401 }),
    onEvent: () => told++,
  })
  for (let n = 0; n < 300; n++) await fetch(`https://h${n}.example`)
  expect(told).toBe(256)
})

test('[F6] given a login that has ended, when whenDead is refuse, then nothing is sent, and the body is discarded', async () => {
  const { cell } = tokens()
  const dead = Object.assign(cell, { isDead: () => true })
  const fetch = refreshingFetch(dead, { origins: server.origin, whenDead: 'refuse' })
  const cancel = vi.fn<() => void>()
  const body = new ReadableStream({ cancel })
  const response = await fetch(server.origin, { method: 'POST', body, duplex: 'half' } as RequestInit)
  expect([response.status, response.headers.get('x-llm-refresh')]).toEqual([401, 'reauthentication_required'])
  expect([server.requests, cancel.mock.calls.length]).toEqual([[], 1])
  await refreshingFetch(dead, { origins: server.origin })(server.origin)
  expect(server.requests.length).toBeGreaterThan(0)
})

test('[F4] given a gateway of a network that is trusted, when its plain http is allowed, then the credential is sent there', async () => {
  const seen: (string | null)[] = []
  const own: Fetch = async (_, init) => (
    seen.push(new Headers(init?.headers).get('authorization')),
    new Response()
  )
  const options = { origins: 'http://litellm:4000', plainHttpOrigins: ['http://litellm:4000'], fetch: own }
  await refreshingFetch(tokens().cell, options)('http://litellm:4000/v1')
  expect(seen).toEqual(['Bearer t0'])
})
