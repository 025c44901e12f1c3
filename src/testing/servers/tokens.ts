import type { TokenResponse } from '../../credential/token/token-response.ts'
import type { Clock } from '../../lib/clock.ts'

/** One login. Every token that comes of it ends with it. */
interface Login {
  isRevoked: boolean
}

/** The server's record of an access token. */
interface Access {
  readonly login: Login
  /** epoch ms */
  expiresAt: number
}

/** The tokens of the test servers. Refresh tokens rotate: one that is redeemed twice ends its login, as RFC 9700 section 4.14 asks. */
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

  /** A person logs in. */
  login(): TokenResponse {
    const login: Login = { isRevoked: false }
    this.#logins.add(login)
    return this.#issue(login, true)
  }

  /** A refresh token for a login that has not issued an access token yet. */
  seed(): string {
    const login: Login = { isRevoked: false }
    this.#logins.add(login)
    return this.#newRefreshToken(login)
  }

  /** The grant `client_credentials`: no refresh token comes with it. */
  grantToClient(): TokenResponse {
    const login: Login = { isRevoked: false }
    this.#logins.add(login)
    return this.#issue(login, false)
  }

  /** undefined: `invalid_grant`. */
  redeem(refreshToken: string): TokenResponse | undefined {
    const known = this.#refresh.get(refreshToken)
    if (known === undefined) return undefined
    if (known.isSpent) known.login.isRevoked = true
    if (known.login.isRevoked) return undefined
    known.isSpent = true
    return this.#issue(known.login, true)
  }

  /** The state of an access token. */
  judge(accessToken: string): 'good' | 'expired' | 'unknown' {
    const known = this.#access.get(accessToken)
    if (known === undefined) return 'unknown'
    const isGood = !known.login.isRevoked && this.#clock.now() < known.expiresAt
    return isGood ? 'good' : 'expired'
  }

  /** Every access token of now. */
  expire(): void {
    for (const access of this.#access.values()) access.expiresAt = -Infinity
  }

  /** Every login of now. */
  revoke(): void {
    for (const login of this.#logins) login.isRevoked = true
  }

  #issue(login: Login, isRefreshable: boolean): TokenResponse {
    // The random part tells the tokens of two servers apart.
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
