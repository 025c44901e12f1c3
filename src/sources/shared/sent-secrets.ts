/** Request parameters whose values are no secrets. */
const PUBLIC = new Set(
  (
    'grant_type scope audience resource client_id response_type redirect_uri client_assertion_type subject_token_type actor_token_type ' +
    'requested_token_type token_type_hint federation_rule_id organization_id service_account_id workspace_id identity_provider_id'
  ).split(' '),
)

/** The secrets of a request, in each form in which a response may quote them. No message may hold one of them. */
export function secretsIn(init: RequestInit | undefined): string[] {
  const { headers, body } = init ?? {}
  const fields = typeof body === 'string' || body instanceof URLSearchParams ? fieldsOf(body) : []
  const secrets = fields.filter(([name]) => !PUBLIC.has(name)).map(([, value]) => value)
  const sent = [...secrets, ...authorizationOf(headers)].filter((text) => text.length > 2)
  // The longest go first, because one text may be a part of another.
  const forms = Array.from(new Set(sent.flatMap(formsOf)))
  // oxlint-disable-next-line unicorn/no-array-sort -- React Native has no `toSorted`
  return forms.sort((one, other) => other.length - one.length)
}

/** A text as it is, and as it looks in a URL, in a form, in JSON, and in base64. */
function formsOf(text: string): string[] {
  const form = new URLSearchParams([['', text]]).toString().slice(1)
  const encoded = base64(text)
  const forms = [encodeURIComponent(text), form, JSON.stringify(text).slice(1, -1), encoded, url(encoded)]
  return [text, ...forms.filter((each) => each.length > 2)]
}

function base64(text: string): string {
  const bytes = new URLSearchParams([['', text]]).toString().slice(1).replaceAll('+', ' ')
  const latin = bytes.replaceAll(/%([\dA-F]{2})/g, (_, hex: string) =>
    String.fromCharCode(Number.parseInt(hex, 16)),
  )
  return btoa(latin).replace(/=+$/, '')
}

function url(encoded: string): string {
  return encoded.replaceAll('+', '-').replaceAll('/', '_')
}

function fieldsOf(body: string | URLSearchParams): [string, string][] {
  if (typeof body === 'string' && body.startsWith('{')) {
    const parsed: unknown = JSON.parse(body)
    const members: [string, unknown][] = Object.entries(parsed ?? {})
    return members.map(([name, value]) => [name, String(value)])
  }
  return [...new URLSearchParams(body)]
}

function authorizationOf(given: RequestInit['headers']): string[] {
  const value = new Headers(given ?? {}).get('authorization') ?? ''
  const credentials = value.slice(value.indexOf(' ') + 1)
  if (!/^basic /i.test(value)) return credentials === '' ? [] : [credentials]
  const [, secret = ''] = atob(credentials).split(':')
  return [credentials, secret, decoded(secret)]
}

function decoded(secret: string): string {
  try {
    return decodeURIComponent(secret.replaceAll('+', ' '))
  } catch {
    return secret
  }
}
