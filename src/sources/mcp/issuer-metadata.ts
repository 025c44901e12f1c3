import { RefreshError } from '../../errors.ts'
import { type Described, type Endpoint, NAMES, readMetadata } from '../shared/oauth/metadata.ts'
import { shown } from '../shared/oauth/shown.ts'
import type { Http } from '../shared/token-request.ts'
import { type Fetched, fetchDocument } from './documents.ts'
import { invalid, isSameBut, readUrl, refusedTarget } from './hosts.ts'

const WHAT = 'metadata of the authorization server'

/**
 * Reads an authorization server's metadata (RFC 8414, OpenID Connect Discovery). An issuer with a path has three possible places, which are
 * tried in turn. The metadata must name the same issuer, byte for byte: a server must not describe another issuer.
 *
 * @throws RefreshError
 */
export async function readIssuer(http: Http, issuer: string, signal: AbortSignal): Promise<Described> {
  const url = new URL(issuer)
  const failures: RefreshError[] = []
  let incomplete: Described | undefined
  for (const place of placesOf(url)) {
    let fetched: Fetched
    try {
      fetched = await fetchDocument(http, place, WHAT, signal)
    } catch (error) {
      if (signal.aborted || !(error instanceof RefreshError)) throw error
      failures.push(error)
      if (error.code === 'source_rate_limited') break
      continue
    }
    const { whole, fields } = fetched
    const named = fields?.['issuer']
    if (fields === undefined || typeof named !== 'string') continue
    if (named !== issuer) {
      const option = isSameBut(named, issuer) ? "name it in 'issuers'" : "give it as the 'issuer'"
      throw invalid(
        `The metadata at ${place.href} name the issuer ${shown(named)}, where ${shown(issuer)} was asked for: they must be the same, byte for byte. If you trust ${shown(named)}, ${option}.`,
      )
    }
    const described = usable(readMetadata(whole, url, http.plainHttp), url, http.plainHttp)
    if (described.metadata.token_endpoint !== undefined) return described
    incomplete ??= described
  }
  if (incomplete !== undefined) {
    const which = incomplete.unusable.has('token_endpoint')
      ? 'a token endpoint that may not be asked'
      : 'no token endpoint'
    throw invalid(`The metadata of ${shown(issuer)} name ${which}: ask its operator to mend that.`)
  }
  throw (
    failures[0] ??
    invalid(`${shown(issuer)} has no metadata, as an authorization server has (RFC 8414): is it one?`)
  )
}

function placesOf(issuer: URL): readonly URL[] {
  const path = issuer.pathname.replace(/\/+$/, '')
  const inserted = ['oauth-authorization-server', 'openid-configuration'].map(
    (name) => new URL(`/.well-known/${name}${path}`, issuer.origin),
  )
  if (path === '') return inserted
  // `new URL(path, origin)` would take a path that begins with two slashes for another host.
  const appended = new URL(issuer.origin)
  appended.pathname = `${path}/.well-known/openid-configuration`
  return [...inserted, appended]
}

/**
 * Drops endpoints that lead from outside into a private network. An issuer inside a private network may name them, because only the user can
 * have named such an issuer.
 */
function usable({ metadata, unusable }: Described, issuer: URL, plainHttp: readonly string[]): Described {
  const names: readonly string[] = [...NAMES, 'registration_endpoint']
  const bad = names.filter((name) => {
    const given = metadata[name]
    return given !== undefined && refusedTarget(readUrl(given), issuer, plainHttp, true) !== undefined
  })
  const kept = Object.entries(metadata).filter(([name]) => !bad.includes(name))
  const isEndpoint = (name: string): name is Endpoint => NAMES.some((known) => known === name)
  return {
    metadata: { ...Object.fromEntries(kept), issuer: metadata.issuer },
    unusable: new Set([...unusable, ...bad.filter(isEndpoint)]),
  }
}
