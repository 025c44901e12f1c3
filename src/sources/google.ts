import type { Source } from '../credential/source.ts'
import { RefreshError } from '../errors.ts'
import { abortable } from '../lib/abortable.ts'
import { type Clock, platformClock } from '../lib/clock.ts'
import { loadPeer } from '../lib/optional-package.ts'
import { aClock, aGivenFunction, anything, checkedOptions } from '../lib/options.ts'
import { cloudFailure } from './shared/cloud-failure.ts'

/** The part of a `google-auth-library` client that this source calls. */
export interface GoogleClient {
  getAccessToken(): Promise<{ token?: string | null | undefined }>
  readonly credentials: { expiry_date?: number | null | undefined }
}

/** Options of {@link google}. */
export interface GoogleOptions {
  /** @default 'https://www.googleapis.com/auth/cloud-platform' */
  scopes?: string | readonly string[] | undefined
  /** The e-mail address of the service account to impersonate. */
  impersonate?: string | undefined
  /**
   * Returns the client that gets the token. The source calls it for each token, because a client caches its tokens. Default: a client of
   * the application default credentials.
   */
  client?: (() => GoogleClient | Promise<GoogleClient>) | undefined
  /** A clock, for tests. Default: the platform's. */
  clock?: Clock | undefined
}

const REMEDY = {
  who: 'Google',
  login: /\binvalid_rapt\b|\brapt_required\b/,
  logIn: 'run `gcloud auth application-default login`',
  configure:
    'set GOOGLE_APPLICATION_CREDENTIALS, attach a service account, or run `gcloud auth application-default login`, and check its roles',
}

/**
 * Tokens of Google Cloud (Vertex AI and others), by `google-auth-library`: application default credentials, workload identity
 * federation, metadata servers and impersonation.
 *
 * @throws RefreshError `invalid_option`; `issue` also `reauthentication_required`, `source_unreachable`, `source_unavailable`,
 *   `source_rate_limited`, `source_refused`
 * @example
 * const credential = createCredential({ source: google({ impersonate: 'llm@project.iam.gserviceaccount.com' }) })
 */
export function google(options: GoogleOptions = {}): Source {
  const { scopes, impersonate, client, clock } = checkedOptions(options, {
    scopes: [anything, 'https://www.googleapis.com/auth/cloud-platform'],
    impersonate: anything,
    client: (given: unknown) => (given === undefined ? undefined : aGivenFunction(given)),
    clock: [aClock, platformClock],
  })
  const wanted = [scopes].flat()
  return {
    spendsRefreshToken: false,
    isLocal: true,
    madeFor: {
      issuer: 'google',
      identity: client === undefined ? (impersonate ?? '') : 'given',
      scope: wanted.join(' '),
    },
    issue: async ({ signal }) => {
      let asked: GoogleClient | undefined
      try {
        asked = await abortable(Promise.resolve(client?.() ?? defaultClient(wanted, impersonate)), signal)
        const { token } = await abortable(asked.getAccessToken(), signal)
        if (typeof token !== 'string' || token === '')
          throw new RefreshError(
            'source_invalid',
            'Google responded with a success that holds no token: did a proxy respond in its place?',
          )
        return { accessToken: token, expiresAt: asked.credentials.expiry_date ?? undefined }
      } catch (error) {
        if (client === undefined) await forgetMetadataServer()
        signal.throwIfAborted()
        throw cloudFailure(error, REMEDY, clock.now(), isPerson(asked))
      }
    },
  }
}

async function defaultClient(scopes: string[], impersonate: string | undefined): Promise<GoogleClient> {
  const { GoogleAuth, Impersonated } = await loadPeer(
    'google-auth-library',
    () => import('google-auth-library'),
  )
  if (impersonate === undefined) return new GoogleAuth({ scopes }).getClient()
  const sourceClient = await new GoogleAuth({
    scopes: 'https://www.googleapis.com/auth/cloud-platform',
  }).getClient()
  return new Impersonated({ sourceClient, targetPrincipal: impersonate, targetScopes: scopes })
}

/**
 * Whether the client acts by a person's login (`gcloud auth application-default login`), directly or through an impersonation. Such a client
 * holds a refresh token.
 */
function isPerson(client: unknown, depth = 0): boolean {
  if (typeof client !== 'object' || client === null || depth > 3) return false
  const tokens = [
    Reflect.get(client, '_refreshToken'),
    Reflect.get(client, 'refreshToken'),
    Reflect.get(Object(Reflect.get(client, 'credentials')), 'refresh_token'),
  ]
  // A service account's client holds the text 'jwt-placeholder' where others hold a refresh token.
  const isHeld = tokens.some(
    (token) => typeof token === 'string' && token !== '' && token !== 'jwt-placeholder',
  )
  return isHeld || isPerson(Reflect.get(client, 'sourceClient'), depth + 1)
}

/**
 * google-auth-library caches for good that it found no metadata server. In the first seconds of a container the server may not respond yet,
 * so we clear that cache after each failure.
 */
async function forgetMetadataServer(): Promise<void> {
  try {
    const { gcpMetadata } = await import('google-auth-library')
    gcpMetadata.resetIsAvailableCache()
  } catch {
    // An older version of the library cannot clear it.
  }
}
