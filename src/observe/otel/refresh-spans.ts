import { type Attributes, SpanKind, SpanStatusCode, trace, type Tracer } from '@opentelemetry/api'
import type { RefreshEvent } from '../../core/events.ts'
import { errorType, serverOf } from './attributes.ts'

type Ended = Extract<RefreshEvent, { type: 'refresh_succeeded' | 'refresh_failed' }>

/** Makes a span for each refresh, and adds an event to the caller's span for each retry. */
export class RefreshSpans {
  readonly #tracer: Tracer

  constructor(tracer: Tracer) {
    this.#tracer = tracer
  }

  take(event: RefreshEvent): void {
    if (event.type === 'refresh_succeeded' || event.type === 'refresh_failed') this.#refreshed(event)
    if (event.type === 'retried') note('llm_refresh.retried', event, {})
    if (event.type === 'not_retried') note('llm_refresh.not_retried', event, errorType(event.error))
  }

  /**
   * Makes a refresh's span. Its parent is the span of the call that began the refresh, because the refresh runs in that call's context.
   */
  #refreshed(event: Ended): void {
    const { cause, duration, generation, joined, key } = event
    const endTime = Date.now()
    const attributes: Attributes = {
      'llm_refresh.cause': cause,
      'llm_refresh.generation': generation,
      'llm_refresh.joined': joined,
      ...(key !== undefined && { 'llm_refresh.key': key }),
    }
    const startTime = endTime - Math.max(0, duration)
    const span = this.#tracer.startSpan('llm_refresh.refresh', {
      kind: SpanKind.INTERNAL,
      startTime,
      attributes,
    })
    if (event.type === 'refresh_failed') {
      span.setAttributes(errorType(event.error))
      span.setStatus({ code: SpanStatusCode.ERROR, message: event.error.message })
    } else if (event.late) span.setAttribute('llm_refresh.late', true)
    span.end(endTime)
  }
}

/** Adds an event to the call's span, if there is one. */
function note(name: string, event: RefreshEvent & { readonly generation: number }, more: Attributes): void {
  const attributes = { 'llm_refresh.generation': event.generation, ...serverOf(event.origin), ...more }
  trace.getActiveSpan()?.addEvent(name, attributes)
}
