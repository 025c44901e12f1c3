import { createRequire } from 'node:module'
import type { Source } from '../credential/source.ts'
import { readInstant } from '../credential/token/instant.ts'
import { RefreshError } from '../errors.ts'
import { abortable } from '../lib/abortable.ts'
import { type Clock, platformClock } from '../lib/clock.ts'
import { loadPeer } from '../lib/optional-package.ts'
import { aClock, checkedOptions, mustBe, unchecked } from '../lib/options.ts'
import { cloudFailure } from './shared/cloud-failure.ts'

/** Keys of AWS. */
export interface AwsIdentity {
  readonly accessKeyId: string
  readonly secretAccessKey: string
  readonly sessionToken?: string
  /** A token does not outlive the keys that it was made with. */
  readonly expiration?: Date
}

/** How {@link aws} makes tokens. */
export interface AwsOptions {
  /** Where the model is, such as `us-east-1`. Default: as the AWS SDK finds it. */
  region?: string | undefined
  /** Of the shared configuration. Default: as the AWS SDK finds it. */
  profile?: string | undefined
  /** The keys, or what gives them; asked for each token. Default: the AWS SDK's chain of providers. */
  credentials?: AwsIdentity | (() => Promise<AwsIdentity>) | undefined
  /**
   * How long a token lives, in ms; at most 12 hours.
   * @default 43_200_000
   */
  lifetime?: number | undefined
  /** Time, for tests to control. */
  clock?: Clock | undefined
}

const LONGEST = 43_200_000
const REMEDY = {
  who: 'AWS',
  login:
    /\bSSO session\b|\baws (?:sso )?login\b|\bToken is expired\b|\bThe SSO access token\b|\bUnauthorizedException\b/i,
  logIn: 'run `aws sso login`',
  configure:
    'set AWS_REGION and AWS_PROFILE, attach a role, or run `aws sso login`, and check its permissions',
}

/**
 * The SDK's chain of providers, as the token generator would build it: it tells when the keys expire. Made anew for each token and without
 * its cache of files, so that it sees what a login has changed. undefined where it cannot be found: then the generator looks for itself.
 */
function chain(profile: string | undefined): (() => Promise<AwsIdentity>) | undefined {
  try {
    const generator = createRequire(import.meta.url).resolve('@aws/bedrock-token-generator')
    const providers: unknown = createRequire(generator)('@aws-sdk/credential-providers')
    return hasChain(providers) ? providers.fromNodeProviderChain({ profile, ignoreCache: true }) : undefined
  } catch {
    return undefined
  }
}

interface Providers {
  fromNodeProviderChain(init: {
    profile: string | undefined
    ignoreCache: boolean
  }): () => Promise<AwsIdentity>
}

function hasChain(providers: unknown): providers is Providers {
  return typeof Reflect.get(Object(providers), 'fromNodeProviderChain') === 'function'
}

/**
 * Bearer tokens for Amazon Bedrock, by `@aws/bedrock-token-generator`: they are signed here, no endpoint is asked for them.
 *
 * @throws RefreshError `invalid_option`; `issue` also `source_refused`, `source_unreachable`, `source_unavailable`,
 *   `source_rate_limited`, `reauthentication_required`
 * @example
 * const credential = createCredential({ source: aws({ region: 'us-east-1' }) })
 */
export function aws(options: AwsOptions = {}): Source {
  const { region, profile, credentials, lifetime, clock } = checkedOptions(options, {
    ...unchecked('region', 'profile', 'credentials'),
    lifetime: [
      mustBe(
        `ms from 1,000 to ${LONGEST}`,
        (given) => typeof given === 'number' && given >= 1_000 && given <= LONGEST,
      ),
      LONGEST,
    ],
    clock: [aClock, platformClock],
  })
  return {
    spendsRefreshToken: false,
    isLocal: true,
    issue: async ({ signal }) => {
      try {
        const { getTokenProvider } = await loadPeer(
          '@aws/bedrock-token-generator',
          () => import('@aws/bedrock-token-generator'),
        )
        const given = credentials ?? chain(profile)
        const identity = typeof given === 'function' ? await abortable(given(), signal) : given
        if (credentials !== undefined) checkKeys(identity)
        const provide = getTokenProvider({
          expiresInSeconds: Math.floor(lifetime / 1_000),
          ...(region !== undefined && { region }),
          ...(profile !== undefined && { profile }),
          ...(identity !== undefined && { credentials: identity }),
        })
        const signedAt = clock.now()
        const accessToken = await abortable(provide(), signal)
        const ends = [signedAt + lifetime, endOf(identity?.expiration, signedAt)]
        return { accessToken, expiresAt: Math.min(...ends) }
      } catch (error) {
        signal.throwIfAborted()
        throw cloudFailure(error, REMEDY, clock.now())
      }
    },
  }
}

/** Without keys the generator would look for others, and sign as somebody else. */
function checkKeys(identity: unknown): void {
  const names = ['accessKeyId', 'secretAccessKey'] as const
  const missing = names.find((name) => {
    const value: unknown = Reflect.get(Object(identity), name)
    return typeof value !== 'string' || value === ''
  })
  if (missing === undefined) return
  throw new RefreshError(
    'source_invalid',
    `'credentials' gave no '${missing}': give { accessKeyId, secretAccessKey, sessionToken, expiration }.`,
  )
}

/** epoch ms. Keys that were read from JSON have a text where the SDK has a date. */
function endOf(expiration: unknown, now: number): number {
  const at = expiration instanceof Date ? expiration.getTime() : readInstant(expiration, now)
  return at === undefined || Number.isNaN(at) ? Infinity : at
}
