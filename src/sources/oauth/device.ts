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

/** RFC 8628 section 3.2 and 3.5, in ms. */
const [INTERVAL, SLOW_DOWN] = [5_000, 5_000]
/** ms: however badly the server is to be reached, or whatever interval it asks for, it is asked again by then. */
const LONGEST_INTERVAL = 60_000
/** ms: patience that the server asks for. */
const LONGEST_RETRY_AFTER = 300_000
/** ms, of a code whose response does not say it; and at most. */
const [LIFETIME, LONGEST_LIFETIME] = [900_000, 86_400_000]
/** Characters. */
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
  // A failure, or patience that is asked for once, lengthens one wait: the person may have confirmed meanwhile.
  for (let wait = interval; ;) {
    if (client.now() + wait >= prompt.expiresAt) throw tooLate()
    await pause(client.http.clock, wait, signal)
    try {
      // The poll that is answered with tokens spends the code: it ends with the code's life, not with a timeout of its own.
      const asked = { signal, timeout: Math.max(1, prompt.expiresAt - client.now()) }
      const whole = await client.ask('token_endpoint', asked, (peer, { server, party, auth }, request) =>
        peer.deviceCodeGrantRequest(server, party, auth, deviceCode, request),
      )
      const body = readBody(whole.text, whole.response.headers.get('content-type') ?? '')
      const said = errorOf(body, whole.secrets)
      // Some add a sentence to the code. The person is asked nothing by it, so that it need not be exact.
      const codes = said.name === undefined ? said.codes : [...said.codes, said.name]
      const isSlower = codes.includes('slow_down')
      if (isSlower) interval = slower(interval, body.fields)
      if (isSlower || codes.includes('authorization_pending')) {
        wait = interval
        continue
      }
      if (codes.some((code) => TOO_LATE.has(code))) throw tooLate()
      // Auth0 says so with 403. There is no login yet that a firewall's 403 could end.
      if (codes.some((code) => DECLINED.has(code))) throw declined(said.words)
      return readTokens(whole, client.asking({ person: true, spends: true }), client.now())
    } catch (error) {
      if (!isTransient(error)) throw error
      const { retryAfterMs = 0 } = error
      wait = Math.max(Math.min(wait * 2, LONGEST_INTERVAL), Math.min(retryAfterMs, LONGEST_RETRY_AFTER))
    }
  }
}

/** RFC 8628 section 3.5. GitHub says the new interval. */
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
  // Google's own name for it is older than the RFC.
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

/** ms. One that makes no sense is none: a server must not be asked in a tight loop, nor never again. */
function readInterval(given: unknown): number {
  const seconds = typeof given === 'string' ? Number(given) : given
  const isGood = typeof seconds === 'number' && seconds > 0 && Number.isFinite(seconds)
  return isGood ? Math.min(seconds * 1000, LONGEST_INTERVAL) : INTERVAL
}

/** It will be shown in a terminal: no control characters, and nothing that turns the text around. */
function readUserCode(code: string | undefined): string | undefined {
  const shown = code?.trim()
  if (shown === undefined || shown === '' || shown.length > LONGEST_CODE) return undefined
  return /^[^\p{C}\p{Zl}\p{Zp}]+$/u.test(shown) ? shown : undefined
}

/** It will be opened, also from a command line: nothing but a page, as a URL that is escaped. */
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
