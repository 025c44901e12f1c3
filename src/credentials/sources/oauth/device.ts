import { RefreshError } from '../../../core/errors.ts'
import { optionError } from '../../../core/options.ts'
import { type Answer, readObject } from '../../answer.ts'
import { afterSeconds } from '../../expiry.ts'
import { pause } from '../../pause.ts'
import type { AccessToken } from '../../token.ts'
import { errorsOf, failureOf, readTokens } from './answer.ts'
import { Client } from './client.ts'
import type { DeviceLoginOptions, DevicePrompt } from './options.ts'
import { readTarget, TARGET } from './target.ts'

/** RFC 8628 section 3.2 and 3.5, in ms. */
const [INTERVAL, SLOW_DOWN] = [5_000, 5_000]
/** ms: however badly the server is to be reached, it is asked again by then. */
const LONGEST_INTERVAL = 60_000
/** ms, of a code whose answer does not say it. */
const LIFETIME = 900_000

interface Prompted {
  readonly prompt: DevicePrompt
  readonly deviceCode: string
  /** ms */
  readonly interval: number
}

/**
 * A person logs in with another device, or in any browser (RFC 8628). What it gives is for `credential.login()`.
 *
 * @throws RefreshError `reauthentication_required`: the person declined, or came too late; `invalid_option`; what the source throws when the
 *   code is asked for. While it waits for the person, a server that cannot be reached is asked again. The signal's reason.
 * @example
 * await token.login(await deviceLogin({ issuer, clientId, onPrompt: ({ verificationUri, userCode }) => {
 *   console.log(`Open ${verificationUri} and enter ${userCode}`)
 * } }))
 */
export async function deviceLogin(options: DeviceLoginOptions): Promise<AccessToken> {
  const client = new Client(options, ['onPrompt', 'signal', ...TARGET])
  const { onPrompt, signal = new AbortController().signal } = options
  if (typeof onPrompt !== 'function') throw optionError('onPrompt', 'must be a function')
  const target = readTarget(options)
  const answer = await client.ask('device_authorization_endpoint', signal, (peer, parties, request) =>
    peer.deviceAuthorizationRequest(parties.server, parties.party, parties.auth, target, request),
  )
  const prompted = readPrompt(answer, client.now())
  await onPrompt(prompted.prompt)
  return poll(client, prompted, signal)
}

async function poll(
  client: Client,
  { prompt, deviceCode, ...first }: Prompted,
  signal: AbortSignal,
): Promise<AccessToken> {
  for (let { interval } = first; ;) {
    if (client.now() + interval >= prompt.expiresAt) throw tooLate()
    await pause(client.http.clock, interval, signal)
    let failure: RefreshError | undefined
    try {
      const answer = await client.ask('token_endpoint', signal, (peer, { server, party, auth }, request) =>
        peer.deviceCodeGrantRequest(server, party, auth, deviceCode, request),
      )
      const [error] = errorsOf(answer.text)
      if (error === 'authorization_pending') continue
      if (error === 'slow_down') {
        interval += SLOW_DOWN
        continue
      }
      if (error === 'expired_token') throw tooLate()
      return readTokens(answer, true, client.now())
    } catch (error) {
      if (!isTransient(error)) throw error
      failure = error
    }
    const { retryAfter = 0 } = failure
    interval = Math.max(Math.min(interval * 2, LONGEST_INTERVAL), interval, retryAfter)
  }
}

/** @param now epoch ms */
function readPrompt(answer: Answer, now: number): Prompted {
  const failure = failureOf(answer, false, now)
  if (failure !== undefined) throw failure
  const body = readObject(answer)
  const word = (name: string): string | undefined => {
    const value: unknown = Reflect.get(body, name)
    return typeof value === 'string' && value !== '' ? value : undefined
  }
  // Google's own name for it is older than the RFC.
  const verificationUri = word('verification_uri') ?? word('verification_url')
  const [deviceCode, userCode] = [word('device_code'), word('user_code')]
  if (deviceCode === undefined || userCode === undefined || !isLink(verificationUri)) {
    throw new RefreshError('source_invalid', `${answer.host} answered without a code, or without a link.`)
  }
  const complete = word('verification_uri_complete')
  const interval: unknown = Reflect.get(body, 'interval')
  return {
    prompt: {
      userCode,
      verificationUri,
      verificationUriComplete: isLink(complete) ? complete : undefined,
      expiresAt: afterSeconds(Reflect.get(body, 'expires_in'), answer.sentAt) ?? answer.sentAt + LIFETIME,
    },
    deviceCode,
    interval: typeof interval === 'number' && interval > 0 ? interval * 1000 : INTERVAL,
  }
}

/** It will be opened: nothing but a page. */
function isLink(uri: string | undefined): uri is string {
  return uri !== undefined && URL.canParse(uri) && /^https?:$/.test(new URL(uri).protocol)
}

function tooLate(): RefreshError {
  return new RefreshError('reauthentication_required', 'The code was not confirmed in time: log in again.')
}

function isTransient(error: unknown): error is RefreshError {
  return (
    error instanceof RefreshError &&
    ['source_unreachable', 'source_unavailable', 'source_rate_limited'].includes(error.code)
  )
}
