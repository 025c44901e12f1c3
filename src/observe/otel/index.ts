import { metrics, trace, type MeterProvider, type TracerProvider } from '@opentelemetry/api'
import type { RefreshEvent, RefreshListener } from '../../core/events.ts'
import { anything, checkedOptions } from '../../lib/options.ts'
import { type Observed, RefreshMetrics } from './refresh-metrics.ts'
import { RefreshSpans } from './refresh-spans.ts'

export type { Observed } from './refresh-metrics.ts'

/** Options of {@link openTelemetry}. */
export interface OpenTelemetryOptions {
  /**
   * The provider of tracers.
   * @default the global one
   */
  tracerProvider?: TracerProvider | undefined
  /**
   * The provider of meters.
   * @default the global one, if it was registered before this call
   */
  meterProvider?: MeterProvider | undefined
}

/** Spans and metrics of refreshes. */
export interface OpenTelemetry {
  /** Pass it as `onEvent` to credentials, pools and surfaces. */
  readonly onEvent: RefreshListener
  /**
   * Measures, at each collection of metrics, how long a credential's token is still valid, and how old it is.
   *
   * @param name the value of the label `llm_refresh.credential`: use few different ones
   * @returns a function that stops the measuring
   */
  watch(name: string, credential: Observed): () => void
}

const SCOPE = 'llm-refresh'

/**
 * Makes spans and metrics of refreshes for OpenTelemetry. It needs the package `@opentelemetry/api`. Start your SDK before you call it.
 *
 * Metrics have no label for a key, so their number stays small even with many accounts. Spans have the key.
 *
 * @throws RefreshError `invalid_option`
 * @example
 * const telemetry = openTelemetry()
 * const credential = createCredential({ source, onEvent: telemetry.onEvent })
 * telemetry.watch('openai', credential)
 */
export function openTelemetry(options: OpenTelemetryOptions = {}): OpenTelemetry {
  checkedOptions(options, { tracerProvider: anything, meterProvider: anything })
  const { tracerProvider = trace, meterProvider = metrics } = options
  const spans = new RefreshSpans(tracerProvider.getTracer(SCOPE))
  const measured = new RefreshMetrics(meterProvider.getMeter(SCOPE))
  return {
    onEvent: (event: RefreshEvent) => {
      spans.take(event)
      measured.take(event)
    },
    watch: (name, credential) => measured.watch(name, credential),
  }
}
