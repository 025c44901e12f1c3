import type { Source } from '../credential/source.ts'
import { RefreshError } from '../errors.ts'
import { type Clock, platformClock } from '../lib/clock.ts'
import { loadPeer } from '../lib/optional-package.ts'
import { aClock, aGivenFunction, anything, checkedOptions } from '../lib/options.ts'
import { claimsOf } from './shared/claims.ts'
import { cloudFailure } from './shared/cloud-failure.ts'

/** The part of an `@azure/identity` credential that this source calls. */
export interface AzureCredential {
  getToken(
    scopes: string[],
    options: { abortSignal?: AbortSignal; claims?: string; enableCae?: boolean },
  ): Promise<{ token: string; expiresOnTimestamp: number } | null>
}

/** Options of {@link azure}. */
export interface AzureOptions {
  /** @default 'https://cognitiveservices.azure.com/.default' */
  scopes?: string | readonly string[] | undefined
  /**
   * Returns the Azure credential that issues the token. The source calls it for each token, because a credential caches its tokens.
   * Default: a new `DefaultAzureCredential`.
   */
  credential?: (() => AzureCredential | Promise<AzureCredential>) | undefined
  /** A clock, for tests. Default: the platform's. */
  clock?: Clock | undefined
}

const REMEDY = {
  who: 'Entra ID',
  login:
    /\binteraction_required\b|\bInteractionRequired\b|\blogin_required\b|\bconsent_required\b|\bAADSTS(?:700082|700084|70043|70008|50173|5013[23]|5007[689]|65001)\b/,
  loggedOut: /\bPlease run '(?:az login|azd auth login|Connect-AzAccount)'/,
  logIn: 'run `az login`',
  configure:
    'assign a managed identity, set AZURE_CLIENT_ID and its like, or run `az login`, and check its roles',
}

/**
 * Tokens of Azure (Azure OpenAI, AI Foundry), by `@azure/identity`. If the rejected response carried a claims challenge (continuous access
 * evaluation), the source asks Entra ID for those claims.
 *
 * @throws RefreshError `invalid_option`; `issue` also `reauthentication_required`, `source_unreachable`, `source_unavailable`,
 *   `source_rate_limited`, `source_refused`
 * @example
 * const credential = createCredential({ source: azure() })
 */
export function azure(options: AzureOptions = {}): Source {
  const { scopes, credential, clock } = checkedOptions(options, {
    scopes: [anything, 'https://cognitiveservices.azure.com/.default'],
    credential: [aGivenFunction, defaultCredential],
    clock: [aClock, platformClock],
  })
  const wanted = [scopes].flat()
  return {
    spendsRefreshToken: false,
    isLocal: true,
    madeFor: {
      issuer: 'azure',
      identity: credential === defaultCredential ? '' : 'given',
      scope: wanted.join(' '),
    },
    issue: async ({ challenge, signal }) => {
      try {
        const claims = claimsOf(challenge)
        const asked = await credential()
        const given = await asked.getToken(wanted, {
          abortSignal: signal,
          ...(claims !== undefined && { claims, enableCae: true }),
        })
        if (typeof given?.token !== 'string' || given.token === '') {
          const message =
            "The credential of Entra ID gave no token: is it one of @azure/identity, and are 'scopes' right?"
          throw new RefreshError('source_invalid', message)
        }
        return { accessToken: given.token, expiresAt: given.expiresOnTimestamp }
      } catch (error) {
        signal.throwIfAborted()
        throw cloudFailure(error, REMEDY, clock.now())
      }
    },
  }
}

async function defaultCredential(): Promise<AzureCredential> {
  const { DefaultAzureCredential } = await loadPeer('@azure/identity', () => import('@azure/identity'))
  return new DefaultAzureCredential()
}
