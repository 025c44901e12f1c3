import type { Attributes, Counter, Histogram, Meter, ObservableGauge } from '@opentelemetry/api'
import type { RefreshEvent } from '../../core/events.ts'
import { errorType, serverOf } from './attributes.ts'

/** The part of a credential that the metrics read. */
export interface Observed {
  status(): {
    /** epoch ms */
    readonly expiresAt: number | undefined
    /** epoch ms */
    readonly refreshedAt: number | undefined
  }
}

/**
 * The bounds of the histograms, in seconds. A refresh takes a few ms if another process has already refreshed, and up to several deadlines.
 */
const BOUNDARIES = [0.005, 0.025, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 150]

/** Metrics of refreshes. Durations are in seconds, as the semantic conventions ask. */
export class RefreshMetrics {
  readonly #refreshes: Histogram
  readonly #waits: Histogram
  readonly #callers: Counter
  readonly #rejections: Counter
  readonly #retries: Counter
  readonly #tokens: Counter
  readonly #unsaved: Counter
  readonly #timeLeft: ObservableGauge
  readonly #age: ObservableGauge

  constructor(meter: Meter) {
    const seconds = { unit: 's', advice: { explicitBucketBoundaries: BOUNDARIES } }
    this.#refreshes = meter.createHistogram('llm_refresh.refresh.duration', {
      description: 'How long refreshes take. Those that failed have an error.type.',
      ...seconds,
    })
    this.#waits = meter.createHistogram('llm_refresh.lock.wait.duration', {
      description: 'How long refreshes wait for the lock of the store.',
      ...seconds,
    })
    this.#callers = meter.createCounter('llm_refresh.refresh.callers', {
      description: 'Callers that waited for a refresh.',
      unit: '{caller}',
    })
    this.#rejections = meter.createCounter('llm_refresh.rejections', {
      description: 'Tokens that a remote side rejected.',
      unit: '{rejection}',
    })
    this.#retries = meter.createCounter('llm_refresh.retries', {
      description:
        'Calls that were rejected and made again. Those that were not made again have an error.type.',
      unit: '{call}',
    })
    this.#tokens = meter.createCounter('llm_refresh.tokens', {
      description: 'Tokens that came, by where they came from.',
      unit: '{token}',
    })
    this.#unsaved = meter.createCounter('llm_refresh.store.failures', {
      description: 'Tokens that are in use and could not be stored.',
      unit: '{failure}',
    })
    this.#timeLeft = meter.createObservableGauge('llm_refresh.token.time_to_expiry', {
      description: 'How long the token in force is still good.',
      unit: 's',
    })
    this.#age = meter.createObservableGauge('llm_refresh.token.age', {
      description: 'How long ago a token last came from the source or the store.',
      unit: 's',
    })
  }

  take(event: RefreshEvent): void {
    switch (event.type) {
      case 'refresh_succeeded':
        this.#refreshed(event, {})
        return
      case 'refresh_failed':
        this.#refreshed(event, errorType(event.error))
        return
      case 'rejected':
        this.#rejections.add(1, { 'llm_refresh.stale': event.stale, ...serverOf(event.origin) })
        return
      case 'retried':
        this.#retries.add(1, serverOf(event.origin))
        return
      case 'not_retried':
        this.#retries.add(1, { ...errorType(event.error), ...serverOf(event.origin) })
        return
      case 'issued':
      case 'adopted':
      case 'loaded':
        this.#tokens.add(1, { 'llm_refresh.token.origin': event.type === 'issued' ? 'source' : 'store' })
        return
      case 'persist_failed':
        this.#unsaved.add(1, errorType(event.error))
        return
      case 'lock_waited':
        this.#waits.record(event.duration / 1_000)
        return
      default:
    }
  }

  watch(name: string, credential: Observed): () => void {
    const attributes = { 'llm_refresh.credential': name }
    const measured =
      (measure: (now: number) => number | undefined) =>
      (result: { observe(value: number, attributes: Attributes): void }): void => {
        const value = measure(Date.now())
        if (value !== undefined && Number.isFinite(value)) result.observe(value / 1_000, attributes)
      }
    const timeLeft = measured((now) => difference(credential.status().expiresAt, now))
    const age = measured((now) => difference(now, credential.status().refreshedAt))
    this.#timeLeft.addCallback(timeLeft)
    this.#age.addCallback(age)
    return () => {
      this.#timeLeft.removeCallback(timeLeft)
      this.#age.removeCallback(age)
    }
  }

  #refreshed({ cause, duration, joined }: Refreshed, failed: Attributes): void {
    const attributes = { 'llm_refresh.cause': cause, ...failed }
    this.#refreshes.record(duration / 1_000, attributes)
    if (joined > 0) this.#callers.add(joined, attributes)
  }
}

type Refreshed = Extract<RefreshEvent, { type: 'refresh_succeeded' | 'refresh_failed' }>

function difference(later: number | undefined, earlier: number | undefined): number | undefined {
  return later === undefined || earlier === undefined ? undefined : later - earlier
}
