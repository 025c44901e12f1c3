import { rawFetch } from '../../core/raw-fetch.ts'
import type { Source } from '../../credential/source.ts'
import type { AccessToken } from '../../credential/token.ts'
import { tokenFromResponse } from '../../credential/token/token-response.ts'
import { RefreshError } from '../../errors.ts'
import type { Clock } from '../../lib/clock.ts'

/**
 * A source that redeems its refresh token at the test servers' token endpoint.
 *
 * @param seed logs a person in, and returns the refresh token, if the source has none yet
 */
export function testSource(tokenEndpoint: string, seed: () => string, clock: Clock): Source {
  return {
    madeFor: { issuer: new URL(tokenEndpoint).origin, client: 'test' },
    issue: async ({ current, signal, sent }): Promise<AccessToken> => {
      const since = clock.now()
      const body = new URLSearchParams({
        grant_type: 'refresh_token',
        refresh_token: current?.refreshToken ?? seed(),
        client_id: 'test',
      })
      sent()
      const send = rawFetch() ?? fetch
      const response = await send(tokenEndpoint, { method: 'POST', body, signal }).catch((cause: unknown) => {
        const told = `The test servers at ${tokenEndpoint} cannot be reached: were they closed?`
        throw new RefreshError('source_unreachable', told, { cause })
      })
      const received: unknown = await response.json()
      if (response.ok && typeof received === 'object' && received !== null)
        return tokenFromResponse(received, since)
      throw refusal(response.status, received)
    },
  }
}

function refusal(status: number, received: unknown): RefreshError {
  const error: unknown = Reflect.get(Object(received), 'error')
  const said = `The test servers responded ${status} (${String(error)})`
  if (error === 'invalid_grant') {
    const why = `${said}: the login was revoked, or its refresh token was redeemed twice. Log in again: credential.login(servers.login()).`
    return new RefreshError('reauthentication_required', why)
  }
  if (status === 429) return new RefreshError('source_rate_limited', `${said}.`)
  if (status >= 500) return new RefreshError('source_unavailable', `${said}.`)
  return new RefreshError('source_refused', `${said}: did the test ask for that (failTokenRequests)?`)
}
