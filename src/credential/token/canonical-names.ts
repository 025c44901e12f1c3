/** The number of members that are read, because a hostile object may have very many. */
const MOST = 256

const NAMES: ReadonlyMap<string, string> = /* @__PURE__ */ new Map(
  [
    'access_token',
    'refresh_token',
    'token_type',
    'expires_in',
    'expires_on',
    'expires_at',
    'expiration',
    'scope',
    'grant_type',
    'device_code',
    'user_code',
    'verification_uri',
    'verification_url',
    'verification_uri_complete',
    'interval',
  ].map((name) => [bare(name), name]),
)

/**
 * A copy of the object with OAuth's member names, if the object spells them otherwise (`AccessToken`, `access-token`, `ACCESS_TOKEN`). The
 * response spent a refresh token, so its successor must not be lost because of a spelling.
 *
 * Listing the members takes long for an object with very many, so call this only for the JSON of a bounded text.
 */
export function canonicalNames(given: object): object {
  if ('access_token' in given) return given
  const renamed: Record<string, unknown> = {}
  const dropped: string[] = []
  let looked = 0
  for (const name in given) {
    if (++looked > MOST) break
    const known = NAMES.get(bare(name))
    if (known !== undefined && known !== name && !Object.hasOwn(given, known)) {
      renamed[known] = Reflect.get(given, name)
      dropped.push(name)
    }
  }
  if (dropped.length === 0) return given
  const found = { ...given, ...renamed }
  for (const name of dropped) Reflect.deleteProperty(found, name)
  return found
}

function bare(name: string): string {
  return name.replaceAll(/[_-]/g, '').toLowerCase()
}
