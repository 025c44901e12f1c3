import { createHash } from 'node:crypto'
import { inspect } from 'node:util'
import {
  AggregationTemporality,
  InMemoryMetricExporter,
  MeterProvider,
  PeriodicExportingMetricReader,
} from '@opentelemetry/sdk-metrics'
import { BasicTracerProvider, InMemorySpanExporter, SimpleSpanProcessor } from '@opentelemetry/sdk-trace-base'
import { expect, onTestFinished, test, vi } from 'vitest'
import {
  type Clock,
  createCredential,
  type Credential,
  logEvents,
  memoryStore,
  type RefreshEvent,
  refreshingFetch,
  type Store,
} from '../../src/index.ts'
import { openTelemetry } from '../../src/observe/otel/index.ts'
import type { ProxyPreset } from '../../src/proxy/index.ts'
import { oauth } from '../../src/sources/oauth/index.ts'
import { FORMS, leaksIn, PLACES, SPECIAL, WORD } from '../credential/canary-places.ts'
import { ask, serve, startProxy } from '../proxy/proxies.ts'
import { printed } from '../sources/helpers.ts'

/** A placeholder key that somebody made up. */
const KEY = `llm-refresh-${WORD}-placeholder-key`
const PRESETS: readonly (ProxyPreset | undefined)[] = [
  undefined,
  'anthropic',
  'openai',
  'google',
  'azure',
  'mcp',
]

// It listens from here on.
await import('../../src/observe/debug.ts')

type Fetch = typeof globalThis.fetch

/** All that listens: a log, a real OpenTelemetry SDK, `llm-refresh/debug`, and a listener that keeps everything. */
function listening(): { onEvent: (event: RefreshEvent) => void; heard: () => Promise<string> } {
  const [lines, events]: [string[], RefreshEvent[]] = [[], []]
  const spans = new InMemorySpanExporter()
  const tracerProvider = new BasicTracerProvider({ spanProcessors: [new SimpleSpanProcessor(spans)] })
  const exporter = new InMemoryMetricExporter(AggregationTemporality.CUMULATIVE)
  const reader = new PeriodicExportingMetricReader({ exporter, exportIntervalMillis: 3_600_000 })
  const meterProvider = new MeterProvider({ readers: [reader] })
  const debug = vi.spyOn(console, 'warn').mockImplementation((...words: unknown[]) => {
    lines.push(words.map(String).join(' '))
  })
  onTestFinished(async () => {
    debug.mockRestore()
    await meterProvider.shutdown()
  })
  const telemetry = openTelemetry({ tracerProvider, meterProvider })
  const log = logEvents({ write: (line) => lines.push(line) })
  return {
    onEvent: (event) => {
      events.push(event)
      telemetry.onEvent(event)
      log(event)
      logEvents()(event)
    },
    heard: async () => {
      await meterProvider.forceFlush()
      const told = spans.getFinishedSpans().map(({ name, attributes, status, events: within, links }) => ({
        name,
        attributes,
        status,
        within,
        links,
      }))
      const measured = exporter.getMetrics().map(({ scopeMetrics }) => scopeMetrics)
      const all = inspect([told, measured], { depth: 12, maxStringLength: null, maxArrayLength: null })
      expect([lines.length, told.length, events.length].every((count) => count > 0)).toBe(true)
      return [...lines, ...events.map(printed), all].join('\n')
    },
  }
}

/** Time that passes ten times as fast, so that pauses between attempts are short. */
function fastClock(): Clock {
  const began = Date.now()
  return {
    now: () => began + (Date.now() - began) * 10,
    setTimeout: (run, ms) => setTimeout(run, ms / 10),
    clearTimeout: (id) => clearTimeout(id as NodeJS.Timeout),
  }
}

/** What is shown while calls fail for want of a fresh token: by everything that a person or a program reads. */
async function shownBy(fetches: readonly Fetch[], store?: () => Store): Promise<string> {
  const clock = fastClock()
  const { onEvent, heard } = listening()
  const upstream = await serve((_request, response) => response.writeHead(401).end('{"error":"expired"}'))
  const credentials: Credential[] = []
  for (const fetch of fetches) {
    const source = oauth({
      tokenEndpoint: 'https://auth.example.com/token',
      clientId: 'app',
      clientSecret: SPECIAL,
      clock,
      fetch,
    })
    const credential = createCredential({
      source,
      store: store?.() ?? memoryStore(),
      key: 'ann',
      clock,
      onEvent,
    })
    await credential.login({ accessToken: `${WORD}-access`, refreshToken: WORD }).catch(() => undefined)
    credentials.push(credential)
  }
  const routes = Object.fromEntries(
    credentials.map((credential, n) => [
      `r${n}`,
      { to: upstream.origin, credential, preset: PRESETS[n % PRESETS.length], remedy: 'Log in.' },
    ]),
  )
  const hash = createHash('sha256').update(KEY, 'latin1').digest('hex')
  const { url, audit, audited } = await startProxy(routes, { keys: [{ name: 'laptop', hash }], onEvent })
  const shown: string[] = []
  let requests = 0
  const get = async (path: string, key: string | null): Promise<void> => {
    requests++
    const { text, rawHeaders } = await ask(url + path, { key })
    shown.push(text, ...rawHeaders)
  }
  const use = async (credential: Credential, n: number): Promise<void> => {
    await get(`/r${n}/x?token=${encodeURIComponent(SPECIAL)}`, KEY)
    await get(`/r${n}/x`, `${KEY}-wrong`)
    const call = refreshingFetch(credential, { origins: upstream.origin, onEvent })
    const response = await call(`${upstream.origin}/?a=${WORD}`)
    shown.push(await response.text(), printed([...response.headers]))
    const findings = await credential.check().catch((error: unknown) => error)
    shown.push(printed(findings), printed(credential), printed(credential.status()))
  }
  await Promise.all(credentials.map(use))
  for (const write of Object.values(FORMS)) {
    const key = encodeURIComponent(write(KEY))
    await get(`/r0/x?key=${key}`, null)
    await get(`/${key}/x`, KEY)
    await get(`/${key}/x?key=${key}`, null)
  }
  await get('/-/metrics', KEY)
  await audited(requests)
  return [...shown, printed(audit), await heard()].join('\n')
}

/** The lines that show a secret. */
const leaking = (shown: string): string[] =>
  leaksIn(shown).length === 0 ? [] : shown.split('\n').filter((line) => leaksIn(line).length > 0)

const MORE: Readonly<Record<string, (text: string) => Response>> = {
  'a type of token that is not understood': (text) =>
    Response.json({ access_token: text, token_type: 'DPoP', refresh_token: text }),
  'the name of a type of token': (text) => Response.json({ access_token: 'a', token_type: text }),
  'a token that no header can carry': (text) => Response.json({ access_token: `${text}\r\n` }),
  'a body that breaks off': (text) => {
    let pulled = 0
    const body = new ReadableStream<Uint8Array>({
      pull: (controller) => {
        if (pulled++ === 0) controller.enqueue(new TextEncoder().encode(text))
        else controller.error(new Error(`broke off at ${text}`))
      },
    })
    return new Response(body)
  },
  'a rate limit': (text) => Response.json({ error: text }, { status: 429 }),
}

test.each(Object.entries({ ...PLACES, ...MORE }))(
  '[Z1] [Z2] given a secret in %s, when a refresh fails, then no log, span, metric, audit line, finding or response shows it',
  async (_, respond) => {
    const texts = [WORD, ...Object.values(FORMS).map((write) => write(SPECIAL))]
    const fetches = texts.map(
      (text): Fetch =>
        async () =>
          respond(text),
    )
    expect(leaking(await shownBy(fetches))).toEqual([])
  },
  240_000,
)

test('[Z1] [Z2] given a fetch whose error holds the request, when it fails, then no output shows it', async () => {
  const fetches = Object.values(FORMS).map((write): Fetch => async () => {
    const cause = Object.assign(new Error(write(WORD)), { code: 'ECONNREFUSED', address: write(SPECIAL) })
    throw Object.assign(new TypeError(`POST failed: ${write(SPECIAL)}`, { cause }), {
      config: { data: WORD },
    })
  })
  expect(leaking(await shownBy(fetches))).toEqual([])
})

test('[Z1] [Z2] [E2] given a store whose driver puts its URL and the record into its errors, when it fails, then no output shows them', async () => {
  const failing = (): Store => {
    const store = memoryStore()
    const fail = async (): Promise<never> => {
      const url = `redis://:${encodeURIComponent(SPECIAL)}@h:6379`
      throw Object.assign(new Error(`connect ECONNREFUSED ${url}`), {
        code: 'ECONNREFUSED',
        address: url,
        command: { args: [WORD, JSON.stringify({ token: { refreshToken: SPECIAL } })] },
      })
    }
    return { ...store, read: fail, update: fail, replace: fail, delete: fail }
  }
  const good: Fetch = async () => Response.json({ access_token: `${WORD}-a`, refresh_token: `${WORD}-r` })
  expect(leaking(await shownBy([good], failing))).toEqual([])
})
