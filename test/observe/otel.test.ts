import { AsyncLocalStorage } from 'node:async_hooks'
import {
  type Context,
  context,
  type ContextManager,
  ROOT_CONTEXT,
  SpanStatusCode,
  trace,
} from '@opentelemetry/api'
import {
  AggregationTemporality,
  type DataPoint,
  InMemoryMetricExporter,
  MeterProvider,
  PeriodicExportingMetricReader,
} from '@opentelemetry/sdk-metrics'
import { BasicTracerProvider, InMemorySpanExporter, SimpleSpanProcessor } from '@opentelemetry/sdk-trace-base'
import { expect, onTestFinished, test, vi } from 'vitest'
import { RefreshError, refreshingFetch } from '../../src/index.ts'
import { openTelemetry } from '../../src/observe/otel/index.ts'
import { testCredential } from '../../src/testing/index.ts'

const ORIGIN = 'https://api.test'

/** A real SDK, whose exporters keep everything in memory. */
function sdk(): {
  telemetry: ReturnType<typeof openTelemetry>
  spans: InMemorySpanExporter
  tracerProvider: BasicTracerProvider
  measured: () => Promise<Record<string, DataPoint<unknown>[]>>
} {
  const spans = new InMemorySpanExporter()
  const tracerProvider = new BasicTracerProvider({ spanProcessors: [new SimpleSpanProcessor(spans)] })
  const exporter = new InMemoryMetricExporter(AggregationTemporality.CUMULATIVE)
  const reader = new PeriodicExportingMetricReader({ exporter, exportIntervalMillis: 3_600_000 })
  const meterProvider = new MeterProvider({ readers: [reader] })
  onTestFinished(() => meterProvider.shutdown())
  const measured = async (): Promise<Record<string, DataPoint<unknown>[]>> => {
    exporter.reset()
    await meterProvider.forceFlush()
    const scopes = exporter.getMetrics().flatMap(({ scopeMetrics }) => scopeMetrics)
    const metrics = scopes.flatMap((scope) => scope.metrics)
    return Object.fromEntries(
      metrics.map(({ descriptor, dataPoints }) => [
        `${descriptor.name} ${descriptor.unit}`,
        dataPoints as DataPoint<unknown>[],
      ]),
    )
  }
  return { telemetry: openTelemetry({ tracerProvider, meterProvider }), spans, tracerProvider, measured }
}

/** A server that accepts what the credential accepts. */
function over(credential: ReturnType<typeof testCredential>): typeof globalThis.fetch {
  const beneath = async (_input: unknown, init?: RequestInit): Promise<Response> => {
    const isGood = credential.accepts(new Headers(init?.headers).get('authorization'))
    return new Response('{}', { status: isGood ? 200 : 401 })
  }
  return refreshingFetch(credential, { origins: ORIGIN, fetch: beneath })
}

test('[Z2] given an OpenTelemetry SDK, when refreshes succeed and fail, then each is a span', async () => {
  const { telemetry, spans } = sdk()
  const credential = testCredential({ key: 'ann', onEvent: telemetry.onEvent })
  await credential.snapshot()
  credential.failNext(new RefreshError('reauthentication_required', 'Log in again.'))
  credential.revoke()
  await over(credential)(ORIGIN)
  const [first, second, ...more] = spans.getFinishedSpans()
  expect(more).toEqual([])
  expect(first).toMatchObject({
    name: 'llm_refresh.refresh',
    attributes: {
      'llm_refresh.cause': 'missing',
      'llm_refresh.generation': 1,
      'llm_refresh.joined': 1,
      'llm_refresh.key': 'ann',
    },
    status: { code: SpanStatusCode.UNSET },
  })
  expect(second).toMatchObject({
    attributes: { 'llm_refresh.cause': 'rejected', 'error.type': 'reauthentication_required' },
    status: { code: SpanStatusCode.ERROR, message: 'Log in again.' },
  })
})

test('[Z2] given the SDK, when calls are retried, then metrics count by cause, reason and server, and by no key', async () => {
  const { telemetry, measured } = sdk()
  const credential = testCredential({ key: 'ann', onEvent: telemetry.onEvent })
  const fetch = over(credential)
  await fetch(ORIGIN)
  credential.revoke()
  await fetch(ORIGIN)
  credential.failNext(new RefreshError('reauthentication_required', 'Log in again.'))
  credential.revoke()
  credential.expire()
  await credential.refresh(await credential.snapshot()).catch(() => undefined)
  const metrics = await measured()
  const shown = Object.fromEntries(
    Object.entries(metrics).map(([name, points]) => [
      name,
      points.map(({ attributes, value }) => [attributes, typeof value === 'number' ? value : countOf(value)]),
    ]),
  )
  const server = { 'server.address': 'api.test', 'server.port': 443 }
  expect(shown['llm_refresh.refresh.duration s']).toEqual([
    [{ 'llm_refresh.cause': 'missing' }, 1],
    [{ 'llm_refresh.cause': 'rejected' }, 1],
    [{ 'llm_refresh.cause': 'expiring', 'error.type': 'reauthentication_required' }, 1],
  ])
  expect(shown['llm_refresh.refresh.callers {caller}']).toHaveLength(3)
  expect(shown['llm_refresh.retries {call}']).toEqual([[server, 1]])
  expect(shown['llm_refresh.rejections {rejection}']?.[0]).toEqual([
    { 'llm_refresh.stale': false, ...server },
    1,
  ])
  expect(shown['llm_refresh.tokens {token}']).toEqual([[{ 'llm_refresh.token.origin': 'source' }, 2]])
  expect(JSON.stringify(metrics)).not.toMatch(/ann|test-token/)
})

function countOf(value: unknown): unknown {
  return Reflect.get(Object(value), 'count')
}

test('[Z2] given events of every measured kind, when metrics are collected, then labels have few values', async () => {
  const { telemetry, measured } = sdk()
  const odd = Object.assign(new RefreshError('store_failed', 'odd'), { code: `code ${'x'.repeat(99)}` })
  const { onEvent } = telemetry
  onEvent({ type: 'persist_failed', error: odd })
  onEvent({
    type: 'not_retried',
    generation: 1,
    error: new RefreshError('unchanged', 'same'),
    origin: 'null',
  })
  onEvent({ type: 'lock_waited', duration: 1_500 })
  onEvent({ type: 'adopted', revision: 1 })
  onEvent({ type: 'seed_ignored' })
  const metrics = await measured()
  expect(metrics['llm_refresh.store.failures {failure}']?.[0]?.attributes).toEqual({ 'error.type': '_OTHER' })
  expect(metrics['llm_refresh.retries {call}']?.[0]?.attributes).toEqual({ 'error.type': 'unchanged' })
  expect(metrics['llm_refresh.lock.wait.duration s']?.[0]?.value).toMatchObject({ sum: 1.5 })
  expect(metrics['llm_refresh.tokens {token}']?.[0]?.attributes).toEqual({
    'llm_refresh.token.origin': 'store',
  })
})

test('[Z2] given a credential that is watched, when metrics are collected, then they have its time to expiry until the watch ends', async () => {
  const { telemetry, measured } = sdk()
  const credential = testCredential({ lifetime: 3_600_000 })
  const end = telemetry.watch('openai', credential)
  expect(await measured()).toEqual({})
  await credential.snapshot()
  const metrics = await measured()
  const left = metrics['llm_refresh.token.time_to_expiry s']?.[0]
  expect(left?.attributes).toEqual({ 'llm_refresh.credential': 'openai' })
  expect(left?.value).toBeGreaterThan(3_500)
  expect(left?.value).toBeLessThanOrEqual(3_600)
  expect(metrics['llm_refresh.token.age s']?.[0]?.value).toBeGreaterThanOrEqual(0)
  const asked = vi.spyOn(credential, 'status')
  end()
  await measured()
  expect(asked).not.toHaveBeenCalled()
})

/** OpenTelemetry's context follows what a call awaits, as in a program whose SDK has started. */
function followContexts(): void {
  const storage = new AsyncLocalStorage<Context>()
  const manager: ContextManager = {
    active: () => storage.getStore() ?? ROOT_CONTEXT,
    with: (active, run, self, ...given) => storage.run(active, () => run.apply(self ?? undefined, given)),
    bind: (_active, target) => target,
    enable: () => manager,
    disable: () => manager,
  }
  context.setGlobalContextManager(manager)
  onTestFinished(() => context.disable())
}

test('[Z2] given a call’s own span, when the call is retried, then its span says so, and the refresh is its child', async () => {
  followContexts()
  const { telemetry, spans, tracerProvider } = sdk()
  const credential = testCredential({ onEvent: telemetry.onEvent })
  const fetch = over(credential)
  await credential.snapshot()
  spans.reset()
  credential.revoke()
  const span = tracerProvider.getTracer('app').startSpan('call')
  await context.with(trace.setSpan(context.active(), span), () => fetch(ORIGIN))
  span.end()
  const [refresh, call] = spans.getFinishedSpans()
  expect(refresh?.parentSpanContext?.spanId).toBe(span.spanContext().spanId)
  expect(call?.events.map(({ name, attributes }) => [name, attributes])).toEqual([
    [
      'llm_refresh.retried',
      { 'llm_refresh.generation': 2, 'server.address': 'api.test', 'server.port': 443 },
    ],
  ])
})

test('given an option that does not exist, when telemetry is made, then it is refused', () => {
  const misspelt: object = { tracer: undefined }
  expect(() => openTelemetry(misspelt)).toThrow(/'tracer' does not exist/)
  expect(typeof openTelemetry().onEvent).toBe('function')
})
