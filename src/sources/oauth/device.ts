import { noting } from '../../credential/failure-facts.ts'
import type { AccessToken } from '../../credential/token.ts'
import { afterSeconds } from '../../credential/token/expiry.ts'
import { RefreshError } from '../../errors.ts'
import { pause } from '../../lib/clock.ts'
import { aGivenFunction, aSignal } from '../../lib/options.ts'
import { parsedUrl } from '../../lib/secure-url.ts'
import { Client } from '../shared/oauth/client.ts'
import type { DeviceLoginOptions, DevicePrompt } from '../shared/oauth/options.ts'
import { readTarget, TARGET } from '../shared/oauth/target.ts'
import { errorOf } from '../shared/refused-words.ts'
import { readBody } from '../shared/response-body.ts'
import { readTokens, refusalOf } from '../shared/token-endpoint.ts'
import type { WholeResponse } from '../shared/token-request.ts'

/** ms: the default interval between polls, and how much `slow_down` adds to it (RFC 8628 sections 3.2 and 3.5). */
const [INTERVAL, SLOW_DOWN] = [5_000, 5_000]
/** ms: the longest wait that an outage, or an interval that the server states, causes. */
const LONGEST_INTERVAL = 60_000
/** ms: the longest wait that `Retry-After` or `slow_down` causes. */
const LONGEST_RETRY_AFTER = 300_000
/** ms: the lifetime of a code whose response states none, and the longest lifetime of a code. */
const [LIFETIME, LONGEST_LIFETIME] = [900_000, 86_400_000]
/** Characters: the longest text that is read, and the longest code that a person types. */
const [LONGEST_WORD, LONGEST_CODE] = [4_096, 64]
const TOO_LATE: ReadonlySet<string> = new Set(['expired_token', 'code_expired'])
const DECLINED: ReadonlySet<string> = new Set(['access_denied', 'authorization_declined'])

interface Prompted {
  readonly prompt: DevicePrompt
  readonly deviceCode: string
  /** ms */
  readonly interval: number
}

/**
 * Logs a person in with another device, or in any browser (RFC 8628). Pass the result to `credential.login()`. While the function waits for
 * the person, it polls again after an outage of the server.
 *
 * @throws RefreshError `reauthentication_required`: the person declined, or was too late; `invalid_option`; any error that the source throws
 *   when it requests the code. After an abort: the signal's reason.
 * @example
 * await token.login(await deviceLogin({ issuer, clientId, onPrompt: ({ verificationUri, userCode }) => {
 *   console.log(`Open ${verificationUri} and enter ${userCode}`)
 * } }))
 */
export async function deviceLogin(options: DeviceLoginOptions): Promise<AccessToken> {
  const client = new Client(options, { onPrompt: aGivenFunction, signal: aSignal, ...TARGET })
  const { onPrompt, signal = new AbortController().signal } = options
  const target = readTarget(options)
  const whole = await client.ask('device_authorization_endpoint', { signal }, (peer, parties, request) =>
    peer.deviceAuthorizationRequest(parties.server, parties.party, parties.auth, target, request),
  )
  const prompted = readPrompt(whole, client)
  await onPrompt(prompted.prompt)
  return poll(client, prompted, signal)
}

async function poll(
  client: Client,
  { prompt, deviceCode, ...first }: Prompted,
  signal: AbortSignal,
): Promise<AccessToken> {
  let { interval } = first
  // A failure or a `Retry-After` lengthens only the next wait, because the person may confirm at any time.
  for (let wait = interval; ;) {
    if (client.now() + wait >= prompt.expiresAt) throw tooLate()
    await pause(client.http.clock, wait, signal)
    try {
      // The poll whose response holds tokens spends the code. So a poll may last until the code expires, whatever the timeout is.
      const asked = { signal, timeout: Math.max(1, prompt.expiresAt - client.now()) }
      const whole = await client.ask('token_endpoint', asked, (peer, { server, party, auth }, request) =>
        peer.deviceCodeGrantRequest(server, party, auth, deviceCode, request),
      )
      const body = readBody(whole.text, whole.response.headers.get('content-type') ?? '')
      const said = errorOf(body, whole.secrets)
      // Some servers append a sentence to the code; then `said.name` holds the code. A wrong guess does little harm here, because it cannot end
      // a stored login.
      const codes = said.name === undefined ? said.codes : [...said.codes, said.name]
      const isSlower = codes.includes('slow_down')
      if (isSlower) interval = slower(interval, body.fields)
      if (isSlower || codes.includes('authorization_pending')) {
        wait = interval
        continue
      }
      if (codes.some((code) => TOO_LATE.has(code))) throw tooLate()
      // Auth0 responds with 403 if the person declined. We accept that status here: there is no login yet that a firewall's 403 could end.
      if (codes.some((code) => DECLINED.has(code))) throw declined(said.words)
      return readTokens(whole, client.asking({ person: true, spends: true }), client.now())
    } catch (error) {
      if (!isTransient(error)) throw error
      const { retryAfterMs = 0 } = error
      wait = Math.max(Math.min(wait * 2, LONGEST_INTERVAL), Math.min(retryAfterMs, LONGEST_RETRY_AFTER))
    }
  }
}

/** The interval after `slow_down` (RFC 8628 section 3.5). GitHub states the new interval in its response. */
function slower(interval: number, fields: unknown): number {
  const stated = readInterval(Reflect.get(Object(fields), 'interval'))
  return Math.max(Math.min(interval + SLOW_DOWN, LONGEST_RETRY_AFTER), stated)
}

/** @throws RefreshError */
function readPrompt(whole: WholeResponse, client: Client): Prompted {
  const { host, text, response, sentAt } = whole
  const body = readBody(text, response.headers.get('content-type') ?? '')
  const asking = client.asking({ endpoint: 'device authorization endpoint' })
  const failure = refusalOf(whole, asking, client.now(), body)
  if (failure !== undefined) throw failure
  const field = (name: string): unknown => Reflect.get(Object(body.fields), name)
  const word = (name: string): string | undefined => {
    const value = field(name)
    return typeof value === 'string' && value !== '' && value.length <= LONGEST_WORD ? value : undefined
  }
  const deviceCode = word('device_code')
  const userCode = readUserCode(word('user_code'))
  // Google names the field `verification_url`, as it did before the RFC.
  const verificationUri = readLink(word('verification_uri') ?? word('verification_url'))
  if (deviceCode === undefined || userCode === undefined || verificationUri === undefined) {
    throw new RefreshError(
      'source_invalid',
      `${host} responded without a code, or without a link: is it the device authorization endpoint?`,
    )
  }
  return {
    prompt: {
      userCode,
      verificationUri,
      verificationUriComplete: readLink(
        word('verification_uri_complete') ?? word('verification_url_complete'),
      ),
      expiresAt: Math.min(
        afterSeconds(field('expires_in'), sentAt) ?? sentAt + LIFETIME,
        sentAt + LONGEST_LIFETIME,
      ),
    },
    deviceCode,
    interval: readInterval(field('interval')),
  }
}

/** @returns ms. An interval that is no positive number counts as the default, so that we neither poll in a tight loop nor stop polling. */
function readInterval(given: unknown): number {
  const seconds = typeof given === 'string' ? Number(given) : given
  const isGood = typeof seconds === 'number' && seconds > 0 && Number.isFinite(seconds)
  return isGood ? Math.min(seconds * 1000, LONGEST_INTERVAL) : INTERVAL
}

/** Reads the code that the person types. A terminal will show it, so it must hold no control or direction characters. */
function readUserCode(code: string | undefined): string | undefined {
  const shown = code?.trim()
  if (shown === undefined || shown === '' || shown.length > LONGEST_CODE) return undefined
  return /^[^\p{C}\p{Zl}\p{Zp}]+$/u.test(shown) ? shown : undefined
}

/** Reads a link that a person, or a command line, will open. It must be an http or https URL, and shell characters in it are escaped. */
function readLink(uri: string | undefined): string | undefined {
  if (uri === undefined || parsedUrl(uri) === undefined || /\p{C}/u.test(uri)) return undefined
  const { protocol, href } = new URL(uri)
  const isPage = protocol === 'https:' || protocol === 'http:'
  return isPage ? href.replaceAll(/[$'()`|]/g, (sign) => `%${sign.charCodeAt(0).toString(16)}`) : undefined
}

function tooLate(): RefreshError {
  return new RefreshError('reauthentication_required', 'The code was not confirmed in time: log in again.')
}

function declined(words: string | undefined): RefreshError {
  const saying = words === undefined ? '' : `, saying "${words}"`
  const message = `The person, or a rule of the server, declined the login${saying}: log in again.`
  return noting(new RefreshError('reauthentication_required', message), { reach: 'answered' })
}

function isTransient(error: unknown): error is RefreshError {
  return (
    error instanceof RefreshError &&
    ['source_unreachable', 'source_unavailable', 'source_rate_limited'].includes(error.code)
  )
}
