/** It looks like a word: only what is known of it, or stands before it, gives it away. */
export const WORD = 'kanarienvogel'
/** What no form leaves as it is. */
export const SPECIAL = `${WORD} pä$$/+=&?#%"'`

/** How a secret comes back. */
export const FORMS: Readonly<Record<string, (secret: string) => string>> = {
  'as it is': (secret) => secret,
  'percent-encoded': encodeURIComponent,
  'as a form field': (secret) => new URLSearchParams({ a: secret }).toString().slice(2),
  'in base64': (secret) => Buffer.from(secret).toString('base64'),
  'in base64url': (secret) => Buffer.from(secret).toString('base64url'),
  'in JSON': (secret) => JSON.stringify(secret),
  'in capitals': (secret) => secret.toUpperCase(),
  'over two lines': (secret) => `${secret.slice(0, 6)}\r\n${secret.slice(6)}`,
}

/** Where it comes back. */
export const PLACES: Readonly<Record<string, (text: string) => Response>> = {
  'a description': (text) =>
    Response.json({ error: 'invalid_grant', error_description: `no ${text} here` }, { status: 400 }),
  'the code': (text) => Response.json({ error: text }, { status: 400 }),
  'a message': (text) => Response.json({ errors: [{ message: text, code: text }] }, { status: 401 }),
  'a text': (text) => new Response(`bad ${text}`, { status: 400, headers: { 'content-type': 'text/plain' } }),
  'JSON that is broken': (text) =>
    new Response(`{"error":${text}`, { headers: { 'content-type': 'application/json' } }),
  'a success without a token': (text) => Response.json({ msg: text }),
  'a page': (text) => new Response(`<html><title>${text}</title>`, { status: 403 }),
  'a fault': (text) => new Response(`<a><faultstring>${text}</faultstring></a>`, { status: 500 }),
  'a challenge': (text) => {
    const said = text.replaceAll(/[^\u0020-\u007E]/g, '')
    return new Response('', {
      status: 401,
      headers: { 'www-authenticate': `Bearer error_description="${said}"` },
    })
  },
  'where a redirect leads': (text) => {
    const path = encodeURIComponent(text)
    return new Response('', {
      status: 302,
      headers: { location: `https://${WORD}.example.net/${path}?a=${path}` },
    })
  },
  'a request id': (text) => {
    const said = text.replaceAll(/[^\u0020-\u007E]/g, '')
    return new Response('', { status: 400, headers: { 'x-request-id': said } })
  },
}

/** What a text shows of the secrets. Of what was cut apart, neither half must be there. */
export function leaksIn(text: string): string[] {
  const forms = [WORD, 'kanari', 'nvogel', ...Object.values(FORMS).map((write) => write(SPECIAL))]
  // Base64 of a whole header shows a secret at any of three places.
  const encoded = [0, 1, 2].map((at) =>
    Buffer.from(`${'.'.repeat(at)}${WORD}`)
      .toString('base64')
      .slice(at === 0 ? 0 : 4, -4),
  )
  // A secret that was cut apart, or written otherwise, is one, too.
  const plain = (given: string): string => given.replaceAll(/\s|\\[rnt]/g, '').toLowerCase()
  const shown = plain(text)
  return [...forms, ...encoded].filter((form) => shown.includes(plain(form)))
}
