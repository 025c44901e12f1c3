import type { TokenResponse } from '../../credential/token/token-response.ts'
import type { Clock } from '../../lib/clock.ts'

/** One login. It ends all tokens that came from it. */
interface Login {
  isRevoked: boolean
}

/** The server's record of an access token. */
interface Access {
  readonly login: Login
  /** epoch ms */
  expiresAt: number
}

/** The tokens of the test servers. Refresh tokens rotate: a second use of one ends its login (RFC 9700 section 4.14). */
export class Tokens {
  readonly #clock: Clock
  /** ms */
  readonly #lifetime: number
  readonly #access = new Map<string, Access>()
  readonly #refresh = new Map<string, { readonly login: Login; isSpent: boolean }>()
  readonly #logins = new Set<Login>()
  #issued = 0

  constructor(clock: Clock, lifetime: number) {
    this.#clock = clock
    this.#lifetime = lifetime
  }

  /** The number of access tokens that were issued. */
  get issued(): number {
    return this.#issued
  }

  /** Logs a person in. */
  login(): TokenResponse {
    const login: Login = { isRevoked: false }
    this.#logins.add(login)
    return this.#issue(login, true)
  }

  /** Logs a person in, and returns only the refresh token. */
  seed(): string {
    const login: Login = { isRevoked: false }
    this.#logins.add(login)
    return this.#newRefreshToken(login)
  }

  /** Responds to the grant `client_credentials`, which gives no refresh token. */
  grantToClient(): TokenResponse {
    const login: Login = { isRevoked: false }
    this.#logins.add(login)
    return this.#issue(login, false)
  }

  /** Redeems a refresh token; undefined means `invalid_grant`. */
  redeem(refreshToken: string): TokenResponse | undefined {
    const known = this.#refresh.get(refreshToken)
    if (known === undefined) return undefined
    if (known.isSpent) known.login.isRevoked = true
    if (known.login.isRevoked) return undefined
    known.isSpent = true
    return this.#issue(known.login, true)
  }

  /** Whether an access token is valid. */
  judge(accessToken: string): 'good' | 'expired' | 'unknown' {
    const known = this.#access.get(accessToken)
    if (known === undefined) return 'unknown'
    const isGood = !known.login.isRevoked && this.#clock.now() < known.expiresAt
    return isGood ? 'good' : 'expired'
  }

  /** Expires every access token that was issued so far. */
  expire(): void {
    for (const access of this.#access.values()) access.expiresAt = -Infinity
  }

  /** Ends every login so far. */
  revoke(): void {
    for (const login of this.#logins) login.isRevoked = true
  }

  #issue(login: Login, isRefreshable: boolean): TokenResponse {
    // The random part distinguishes the tokens of two servers.
    const access_token = `test-access-${++this.#issued}-${unique()}`
    this.#access.set(access_token, { login, expiresAt: this.#clock.now() + this.#lifetime })
    return {
      access_token,
      token_type: 'Bearer',
      expires_in: Math.ceil(this.#lifetime / 1_000),
      ...(isRefreshable && { refresh_token: this.#newRefreshToken(login) }),
    }
  }

  #newRefreshToken(login: Login): string {
    const refreshToken = `test-refresh-${this.#refresh.size + 1}-${unique()}`
    this.#refresh.set(refreshToken, { login, isSpent: false })
    return refreshToken
  }
}

function unique(): string {
  return globalThis.crypto.randomUUID().slice(0, 8)
}
