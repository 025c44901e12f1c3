import { metrics, trace, type MeterProvider, type TracerProvider } from '@opentelemetry/api'
import type { RefreshEvent, RefreshListener } from '../../core/events.ts'
import { anything, checkedOptions } from '../../lib/options.ts'
import { type Observed, RefreshMetrics } from './refresh-metrics.ts'
import { RefreshSpans } from './refresh-spans.ts'

export type { Observed } from './refresh-metrics.ts'

/** Options of the OpenTelemetry listener. */
export interface OpenTelemetryOptions {
  /** Default: the global one. */
  tracerProvider?: TracerProvider | undefined
  /** Default: the global one, which must be registered before. */
  meterProvider?: MeterProvider | undefined
}

/** Spans and metrics of refreshes. */
export interface OpenTelemetry {
  /** For `onEvent` of credentials, pools and surfaces. */
  readonly onEvent: RefreshListener
  /**
   * Measures how long a credential's token is still good, and how old it is, whenever metrics are collected.
   *
   * @param name the value of the label `llm_refresh.credential`: choose few
   * @returns a function that stops it
   */
  watch(name: string, credential: Observed): () => void
}

const SCOPE = 'llm-refresh'

/**
 * Spans and metrics of refreshes for OpenTelemetry. It needs the package `@opentelemetry/api`. Start your SDK before you call it.
 *
 * No label of a metric holds a key, so their number stays small however many accounts there are. A span tells the key.
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
