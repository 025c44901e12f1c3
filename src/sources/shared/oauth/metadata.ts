import { RefreshError } from '../../../errors.ts'
import { parseJson } from '../../../lib/json.ts'
import { parsedUrl, readEndpoint } from '../../../lib/secure-url.ts'
import type { WholeResponse } from '../token-request.ts'
import type { Metadata } from './oauth4webapi.ts'

/** The name of each endpoint in the metadata (RFC 8414 section 2), and in the options. */
export const ENDPOINTS = {
  token_endpoint: 'tokenEndpoint',
  device_authorization_endpoint: 'deviceAuthorizationEndpoint',
  authorization_endpoint: 'authorizationEndpoint',
  revocation_endpoint: 'revocationEndpoint',
} as const
export type Endpoint = keyof typeof ENDPOINTS
export const NAMES: readonly Endpoint[] = [
  'token_endpoint',
  'device_authorization_endpoint',
  'authorization_endpoint',
  'revocation_endpoint',
]

/** A server as its metadata describe it. */
export interface Described {
  /** The metadata without the endpoints that must not be used. */
  readonly metadata: Metadata
  /** Endpoints that the metadata name, and that must not be used. A caller that does not use them gets no error. */
  readonly unusable: ReadonlySet<Endpoint>
}

/**
 * Reads a server's metadata. The `content-type` does not count.
 *
 * @throws RefreshError `source_invalid`
 */
export function readMetadata(whole: WholeResponse, issuer: URL, plainHttp: readonly string[]): Described {
  const { host, text } = whole
  const fields = readJson(text)
  if (fields === undefined) throw invalid(`The metadata of ${host} are no JSON object: is it the issuer?`)
  const named: unknown = fields['issuer']
  if (typeof named !== 'string' || parsedUrl(named) === undefined) {
    throw invalid(`The metadata of ${host} name no issuer: is it one?`)
  }
  if (withoutSlash(new URL(named)) !== withoutSlash(issuer)) {
    throw new IssuerMismatch(
      'source_invalid',
      `The metadata of ${host} name another issuer: '${new URL(named).href.slice(0, 256)}', where 'issuer' is '${issuer.href}'. Configure the issuer as it calls itself, or give the 'tokenEndpoint'.`,
    )
  }
  const unusable = new Set<Endpoint>()
  const endpoints: Partial<Record<Endpoint, string>> = {}
  for (const name of NAMES) {
    const given = fields[name]
    const endpoint = safeEndpoint(given, issuer, plainHttp)
    if (endpoint !== undefined) endpoints[name] = endpoint
    else if (given !== undefined && given !== null && given !== '') unusable.add(name)
  }
  const others = Object.entries(fields).filter(([name]) => !Object.hasOwn(ENDPOINTS, name))
  return { metadata: { ...Object.fromEntries(others), issuer: named, ...endpoints }, unusable }
}

/**
 * The metadata name another issuer than the one that was asked: a mix-up, or an attack (RFC 8414 section 3.3). Discovery stops there, and reads
 * no second document.
 */
export class IssuerMismatch extends RefreshError {}

function readJson(text: string): Record<string, unknown> | undefined {
  const value = parseJson(text.replace(/^\uFEFF/, ''))?.value
  return isObject(value) ? value : undefined
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function withoutSlash({ href }: URL): string {
  return href.endsWith('/') ? href.slice(0, -1) : href
}

function safeEndpoint(given: unknown, issuer: URL, plainHttp: readonly string[]): string | undefined {
  try {
    const endpoint = readEndpoint('', given, plainHttp)
    const isDowngrade = issuer.protocol === 'https:' && endpoint.protocol !== 'https:'
    return isDowngrade && !plainHttp.includes(endpoint.origin) ? undefined : endpoint.href
  } catch {
    return undefined
  }
}

function invalid(message: string): RefreshError {
  return new RefreshError('source_invalid', message)
}
