/** The number of members that are read: there may be very many. */
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
 * An object with OAuth's names where it has them in another case (`AccessToken`, `access-token`, `ACCESS_TOKEN`). A refresh token that was
 * spent for a response must not be lost for the spelling of its name.
 *
 * To name the members of an object takes long where it has very many: it is for those of a bounded text.
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
