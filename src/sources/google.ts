import type { Source } from '../credential/source.ts'
import { RefreshError } from '../errors.ts'
import { abortable } from '../lib/abortable.ts'
import { type Clock, platformClock } from '../lib/clock.ts'
import { loadPeer } from '../lib/optional-package.ts'
import { aClock, aGivenFunction, anything, checkedOptions } from '../lib/options.ts'
import { cloudFailure } from './shared/cloud-failure.ts'

/** A client of google-auth-library, as far as it is needed. */
export interface GoogleClient {
  getAccessToken(): Promise<{ token?: string | null | undefined }>
  readonly credentials: { expiry_date?: number | null | undefined }
}

/** How {@link google} finds tokens. */
export interface GoogleOptions {
  /** @default 'https://www.googleapis.com/auth/cloud-platform' */
  scopes?: string | readonly string[] | undefined
  /** The e-mail address of a service account to act as. */
  impersonate?: string | undefined
  /** Makes the client that is asked. It is called for each token, for a client keeps its own. Default: the application default credentials. */
  client?: (() => GoogleClient | Promise<GoogleClient>) | undefined
  /** Time, for tests to control. */
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

/** A person's login (`gcloud auth application-default login`), perhaps behind an impersonation: it holds a refresh token. */
function isPerson(client: unknown, depth = 0): boolean {
  if (typeof client !== 'object' || client === null || depth > 3) return false
  const tokens = [
    Reflect.get(client, '_refreshToken'),
    Reflect.get(client, 'refreshToken'),
    Reflect.get(Object(Reflect.get(client, 'credentials')), 'refresh_token'),
  ]
  // A service account's client has one that is none.
  const isHeld = tokens.some(
    (token) => typeof token === 'string' && token !== '' && token !== 'jwt-placeholder',
  )
  return isHeld || isPerson(Reflect.get(client, 'sourceClient'), depth + 1)
}

/** The library remembers for good that there was no metadata server, as in the first seconds of a container. */
async function forgetMetadataServer(): Promise<void> {
  try {
    const { gcpMetadata } = await import('google-auth-library')
    gcpMetadata.resetIsAvailableCache()
  } catch {
    // An older version keeps it.
  }
}
