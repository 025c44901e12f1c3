import type { Credential } from '../credential/contract.ts'
import { StoredCredential } from '../credential/credential.ts'
import { type CredentialOptions, readCredentialOptions } from '../credential/options.ts'
import type { Source } from '../credential/source.ts'
import { type Clock, platformClock } from '../lib/clock.ts'
import { checked, from } from '../lib/options.ts'

/** Options of a {@link testCredential}: those of a credential, without `source`. */
export interface TestCredentialOptions extends Omit<CredentialOptions, 'source'> {
  /**
   * How long a token is valid, in ms.
   * @default 3_600_000
   */
  lifetime?: number | undefined
}

/** A credential whose tokens a test controls. */
export interface TestCredential extends Credential {
  /** The access tokens that were issued so far: `test-token-1`, `test-token-2` …. */
  readonly tokens: readonly string[]
  /** True if a server that knows these tokens would accept this one. Takes the token alone, or a header with `Bearer` before it. */
  accepts(token: string | null | undefined): boolean
  /**
   * Moves time on until the current token has expired. Then `accepts()` returns false for it, and the credential refreshes before its next
   * call.
   */
  expire(): void
  /** Makes the server reject the current token before it expires. The credential learns this only when a call gets a 401. */
  revoke(): void
  /**
   * Makes the next refresh throw this error.
   *
   * @param times how many requests in a row fail. For an error that may pass, such as `source_unreachable`, the same refresh tries again.
   *   @default 1
   */
  failNext(error: Error, times?: number): void
}

/**
 * A credential for unit tests. It sends nothing, and waits for nothing.
 *
 * @throws RefreshError `invalid_option`
 * @example
 * const credential = testCredential()
 * await myFunction(credential)
 * credential.expire()
 * await myFunction(credential)
 * assert.deepEqual(credential.tokens, ['test-token-1', 'test-token-2'])
 */
export function testCredential(options: TestCredentialOptions = {}): TestCredential {
  const { lifetime = 3_600_000, clock = platformClock, ...rest } = options
  const script = new Script(clock, checked('lifetime', lifetime, from(1)))
  return new ScriptedCredential({ ...rest, source: script, clock: script.clock }, script)
}

class ScriptedCredential extends StoredCredential implements TestCredential {
  readonly #script: Script

  constructor(options: CredentialOptions, script: Script) {
    super(readCredentialOptions(options))
    this.#script = script
  }

  get tokens(): readonly string[] {
    return [...this.#script.tokens]
  }

  accepts(token: string | null | undefined): boolean {
    return this.#script.accepts((token ?? '').replace(/^Bearer +/i, ''))
  }

  expire(): void {
    this.#script.pass(this.peek()?.expiresAt)
  }

  revoke(): void {
    const { accessToken } = this.peek()?.value ?? {}
    if (accessToken !== undefined) this.#script.revoked.add(accessToken)
  }

  failNext(error: Error, times: number = 1): void {
    this.#script.fail(error, times)
  }
}

/** A source that issues predictable tokens. */
class Script implements Source {
  readonly tokens: string[] = []
  readonly revoked = new Set<string>()
  readonly clock: Clock
  readonly #expiries = new Map<string, number>()
  /** ms */
  readonly #lifetime: number
  /** How far time has been moved on, in ms. */
  #passed = 0
  #failures: { readonly error: Error; left: number } | undefined

  constructor(clock: Clock, lifetime: number) {
    this.#lifetime = lifetime
    this.clock = {
      now: () => clock.now() + this.#passed,
      ...(clock.setTimeout && { setTimeout: (run: () => void, ms: number) => clock.setTimeout?.(run, ms) }),
      ...(clock.clearTimeout && { clearTimeout: (timer: unknown) => clock.clearTimeout?.(timer) }),
    }
  }

  issue: Source['issue'] = async () => {
    if (this.#failures !== undefined && this.#failures.left > 0) {
      this.#failures.left--
      throw this.#failures.error
    }
    const number = this.tokens.length + 1
    const accessToken = `test-token-${number}`
    const expiresAt = this.clock.now() + this.#lifetime
    this.tokens.push(accessToken)
    this.#expiries.set(accessToken, expiresAt)
    return { accessToken, expiresAt, refreshToken: `test-refresh-${number}` }
  }

  accepts(token: string): boolean {
    return !this.revoked.has(token) && this.clock.now() < (this.#expiries.get(token) ?? -Infinity)
  }

  fail(error: Error, times: number): void {
    this.#failures = { error, left: times }
  }

  /** @param until epoch ms */
  pass(until: number | undefined): void {
    this.#passed += Math.max(0, (until ?? -Infinity) - this.clock.now())
  }
}
