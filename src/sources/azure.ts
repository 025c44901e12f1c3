import type { Source } from '../credential/source.ts'
import { RefreshError } from '../errors.ts'
import { type Clock, platformClock } from '../lib/clock.ts'
import { loadPeer } from '../lib/optional-package.ts'
import { aClock, aGivenFunction, anything, checkedOptions } from '../lib/options.ts'
import { claimsOf } from './shared/claims.ts'
import { cloudFailure } from './shared/cloud-failure.ts'

/** A credential of @azure/identity, as far as it is needed. */
export interface AzureCredential {
  getToken(
    scopes: string[],
    options: { abortSignal?: AbortSignal; claims?: string; enableCae?: boolean },
  ): Promise<{ token: string; expiresOnTimestamp: number } | null>
}

/** How {@link azure} finds tokens. */
export interface AzureOptions {
  /** @default 'https://cognitiveservices.azure.com/.default' */
  scopes?: string | readonly string[] | undefined
  /** Makes the credential that is asked. It is called for each token, for a credential keeps its own. Default: `DefaultAzureCredential`. */
  credential?: (() => AzureCredential | Promise<AzureCredential>) | undefined
  /** Time, for tests to control. */
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
 * Tokens of Azure (Azure OpenAI, AI Foundry), by `@azure/identity`. A claims challenge of the rejected answer is answered
 * (continuous access evaluation).
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
    issue: async ({ challenge, signal }) => {
      try {
        const claims = claimsOf(challenge)
        const asked = await credential()
        const given = await asked.getToken(wanted, {
          abortSignal: signal,
          ...(claims !== undefined && { claims, enableCae: true }),
        })
        if (typeof given?.token !== 'string' || given.token === '') {
          const message = "'credential' gave no token: is it one of @azure/identity, and are 'scopes' right?"
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
