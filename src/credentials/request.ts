import { abortable } from '../core/abortable.ts'
import { type Clock, startTimer } from '../core/clock.ts'
import { RefreshError } from '../core/errors.ts'
import { describe, optionError } from '../core/options.ts'
import type { Answer } from './answer.ts'

/** How a source's requests are sent. */
export interface HttpOptions {
  /** Sends the requests. Not the fetch that carries the credential. Default: the platform's. */
  fetch?: typeof globalThis.fetch | undefined
  /**
   * ms, until the answer to one request has arrived whole.
   * @default 10_000
   */
  timeout?: number | undefined
  /** Time, for tests to control. Default: the platform's. */
  clock?: Clock | undefined
}

/** The options with their defaults, checked. */
export interface Http {
  readonly fetch: typeof globalThis.fetch
  readonly timeout: number
  readonly clock: Clock
}

/** Sends one request: with this fetch, and this signal. */
export type Send = (fetch: typeof globalThis.fetch, signal: AbortSignal) => Promise<Response>

/** bytes */
const LIMIT = 1_048_576

/** @throws RefreshError `invalid_option` */
export function readHttp({ fetch, timeout = 10_000, clock = { now: () => Date.now() } }: HttpOptions): Http {
  if (!Number.isFinite(timeout) || timeout <= 0) {
    throw optionError('timeout', `must be ms above 0, not ${describe(timeout)}`)
  }
  return { fetch: fetch ?? ((...request) => globalThis.fetch(...request)), timeout, clock }
}

/**
 * Makes one request, and waits until its answer has arrived whole.
 *
 * @throws RefreshError `source_unreachable`, which shows nothing of what was sent; the signal's reason; whatever `send` throws besides
 */
export async function ask(http: Http, host: string, signal: AbortSignal, send: Send): Promise<Answer> {
  const { clock, timeout } = http
  signal.throwIfAborted()
  const controller = new AbortController()
  const abort = (): void => controller.abort(signal.reason)
  signal.addEventListener('abort', abort)
  const late = new RefreshError('source_unreachable', `${host} did not answer within ${timeout} ms.`)
  const stopTimer = startTimer(clock, timeout, () => controller.abort(late))
  const answered = async (): Promise<Answer> => {
    const sentAt = clock.now()
    const response = await send((...request) => reached(host, http.fetch(...request)), controller.signal)
    return { host, response, text: await reached(host, readText(response)), sentAt }
  }
  try {
    // A fetch that was given may take no notice of the signal.
    return await abortable(answered(), controller.signal)
  } catch (error) {
    throw controller.signal.aborted ? controller.signal.reason : error
  } finally {
    stopTimer()
    signal.removeEventListener('abort', abort)
  }
}

async function reached<R>(host: string, step: Promise<R>): Promise<R> {
  try {
    return await step
  } catch (cause) {
    const message = `${host} could not be reached, or its answer broke off.`
    throw new RefreshError('source_unreachable', message, { cause })
  }
}

/** A bounded prefix: what is longer is judged by its beginning. */
async function readText(response: Response): Promise<string> {
  const reader = response.body?.getReader()
  if (reader === undefined) return ''
  const decoder = new TextDecoder()
  let text = ''
  let size = 0
  for (;;) {
    const { done, value } = await reader.read()
    if (done) return text + decoder.decode()
    text += decoder.decode(value, { stream: true })
    size += value.length
    if (size > LIMIT) {
      await reader.cancel()
      return text
    }
  }
}
