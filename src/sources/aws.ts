import { createRequire } from 'node:module'
import type { Source } from '../credential/source.ts'
import { readInstant } from '../credential/token/instant.ts'
import { RefreshError } from '../errors.ts'
import { abortable } from '../lib/abortable.ts'
import { type Clock, platformClock } from '../lib/clock.ts'
import { loadPeer } from '../lib/optional-package.ts'
import { aClock, checkedOptions, mustBe, unchecked } from '../lib/options.ts'
import { cloudFailure } from './shared/cloud-failure.ts'

/** AWS keys, in the shape that the AWS SDK returns. */
export interface AwsIdentity {
  readonly accessKeyId: string
  readonly secretAccessKey: string
  readonly sessionToken?: string
  /** When the keys expire. A token that they signed expires then, too. */
  readonly expiration?: Date
}

/** Options of {@link aws}. */
export interface AwsOptions {
  /** The model's region, such as `us-east-1`. Default: the region that the AWS SDK finds. */
  region?: string | undefined
  /** A profile of AWS's shared configuration files. Default: the profile that the AWS SDK finds. */
  profile?: string | undefined
  /** The keys, or a function that returns them. The source calls it for each token. Default: the AWS SDK's chain of providers. */
  credentials?: AwsIdentity | (() => Promise<AwsIdentity>) | undefined
  /**
   * How long a token lives, in ms: from 1,000 to 43,200,000 (12 hours).
   * @default 43_200_000
   */
  lifetime?: number | undefined
  /** A clock, for tests. Default: the platform's. */
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
 * The SDK's chain of providers, as the token generator would build it. We call the chain ourselves, because the generator does not say when
 * the keys expire. Each token gets a new chain without a file cache, so that the chain sees a new login. If the SDK is not installed, the
 * result is undefined, and the generator finds the keys itself.
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
 * Bearer tokens for Amazon Bedrock, made by `@aws/bedrock-token-generator`. This process signs them; it sends no request for them.
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
    madeFor: { issuer: 'aws', identity: identityOf(options), resource: region ?? '' },
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

/** Names the identity of the tokens. The keys of a function are not known, and each session has another key, so both count as `given`. */
function identityOf({ profile, credentials }: AwsOptions): string {
  if (credentials === undefined) return profile === undefined ? '' : `profile ${profile}`
  const field = (name: keyof AwsIdentity): unknown => Reflect.get(Object(credentials), name)
  if (typeof credentials === 'function' || field('sessionToken') !== undefined) return 'given'
  // It is no secret: each token holds it.
  return `key ${String(field('accessKeyId'))}`
}

/** If a key is missing, the generator would look for other keys, and sign as another identity. */
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

/** @returns epoch ms; Infinity if the keys state no expiry. The SDK has a Date there; keys that were read from JSON have a string. */
function endOf(expiration: unknown, now: number): number {
  const at = expiration instanceof Date ? expiration.getTime() : readInstant(expiration, now)
  return at === undefined || Number.isNaN(at) ? Infinity : at
}
