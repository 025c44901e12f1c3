import { abortable } from '../core/abortable.ts'
import { type Clock, startTimer } from '../core/clock.ts'
import { RefreshError } from '../core/errors.ts'
import { refusal } from './token-refusal.ts'

/** One request to a token endpoint. */
export interface TokenRequest {
  readonly endpoint: URL
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
  readonly fetch: typeof globalThis.fetch
  readonly signal: AbortSignal
  /** ms, until the answer has arrived whole */
  readonly timeout: number
  readonly clock: Clock
}

/** bytes */
const LIMIT = 1_048_576

/**
 * Makes one request, and gives the JSON of a good answer. Redirects are not followed.
 *
 * @throws RefreshError `source_unreachable`, `source_unavailable`, `source_rate_limited`, `source_refused`,
 *   `source_invalid`; the signal's reason. None shows what was sent.
 */
export async function requestToken(request: TokenRequest): Promise<unknown> {
  const { endpoint, headers, body, fetch, signal, timeout, clock } = request
  signal.throwIfAborted()
  const late = new RefreshError('source_unreachable', `${endpoint.host} did not answer within ${timeout} ms.`)
  const controller = new AbortController()
  const abort = (): void => controller.abort(signal.reason)
  signal.addEventListener('abort', abort)
  const stopTimer = startTimer(clock, timeout, () => controller.abort(late))
  const answered = async (): Promise<readonly [Response, string]> => {
    const init: RequestInit = { method: 'POST', headers, body, redirect: 'manual' }
    const response = await fetch(endpoint.href, { ...init, signal: controller.signal })
    return [response, await readText(response)]
  }
  try {
    // A fetch that was given may take no notice of the signal.
    const [response, text] = await abortable(answered(), controller.signal)
    const refused = refusal(response, text, endpoint.host, clock.now())
    if (refused) throw refused
    return readJson(text, endpoint.host)
  } catch (error) {
    if (controller.signal.aborted) throw controller.signal.reason
    if (error instanceof RefreshError) throw error
    const message = `${endpoint.host} could not be reached, or its answer broke off.`
    throw new RefreshError('source_unreachable', message, { cause: error })
  } finally {
    stopTimer()
    signal.removeEventListener('abort', abort)
  }
}

/** A bounded prefix: what is longer is no token response, and is judged by its beginning. */
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

function readJson(text: string, host: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    // Its own error quotes the text.
    throw new RefreshError('source_invalid', `${host} answered with JSON that cannot be read.`)
  }
}
