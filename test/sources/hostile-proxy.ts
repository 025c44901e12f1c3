import assert from 'node:assert/strict'
import { IncomingMessage } from 'node:http'
import { Socket } from 'node:net'
import fc from 'fast-check'
import { Connection } from '../../src/proxy/connections.ts'
import { admit } from '../../src/proxy/gate.ts'
import { createProxyKey } from '../../src/proxy/index.ts'
import { KeyRing } from '../../src/proxy/keys.ts'
import { readTarget } from '../../src/proxy/target.ts'
import { targets } from './hostile-inputs.ts'
import type { Reader } from './hostile-reader.ts'

const { key, entry } = createProxyKey({ name: 'laptop' })
const ring = new KeyRing([entry], new Set(['api']))
/** Headers that the proxy never forwards. */
const DROPPED =
  /^(?:authorization|x-api-key|api-key|x-goog-api-key|host|connection|te|trailer|transfer-encoding|upgrade|keep-alive|expect|proxy-.*|http2-settings)$/i

type Asked = readonly [target: string, headers: readonly (readonly [string, string])[]]

/**
 * Reads a request to the proxy. The proxy must admit it only with a key. The forwarded request must not hold the key, and its path must not
 * leave the route.
 */
function readRequest([url, headers]: Asked): void {
  const request = new IncomingMessage(new Socket())
  request.url = url
  request.rawHeaders = headers.flat()
  // Node's parser joins repeated `connection` headers in this way.
  const connections = headers
    .filter(([name]) => name.toLowerCase() === 'connection')
    .map(([, value]) => value)
  Object.defineProperty(request, 'headers', {
    value: connections.length > 0 ? { connection: connections.join(', ') } : {},
  })
  const target = readTarget(url)
  const admitted = admit(request, target?.query ?? '', ring, new Set(), new Connection(request.socket))
  const named = headers.some(([name, value]) => !/^x-other$/i.test(name) && value.includes(key))
  if (admitted.key !== undefined) assert(named || url.includes('key='), 'it was let in without a key')
  const passed = admitted.headers.filter((_, at) => at % 2 === 0)
  for (const [at, name] of passed.entries()) {
    const isTrailers = name === 'te' && admitted.headers[at * 2 + 1] === 'trailers'
    assert(isTrailers || !DROPPED.test(name), `${name} is handed on`)
  }
  assert(!new URLSearchParams(admitted.query).getAll('key').includes(key), 'the key is handed on')
  const hosts = headers.filter(([name]) => name.toLowerCase() === 'host')
  if (hosts.length !== 1) assert.match(admitted.refused ?? '', /^(?:host|version)$/)
  if (target === undefined) return
  const { name, rest } = target
  const decoded = `${name}${rest}`.replaceAll(/%([\da-f]{2})/gi, (_, hex: string) =>
    String.fromCharCode(parseInt(hex, 16)),
  )
  assert.doesNotMatch(decoded, /(?:^|[/\\;])\.{1,2}(?:[/\\;]|$)/)
}

const names = fc.oneof(
  fc.constantFrom(
    'Host',
    'HOST',
    'Origin',
    'Sec-Fetch-Site',
    'Authorization',
    'x-api-key',
    'API-KEY',
    'x-goog-api-key',
    'Connection',
    'TE',
    'Upgrade',
    'Expect',
    'Cookie',
    'X-Other',
    'Proxy-Authorization',
    'Transfer-Encoding',
  ),
  fc.stringMatching(/^[\w!#$%&'*+.^`|~-]{1,30}$/),
)
const values = fc.oneof(
  fc.constantFrom(
    '127.0.0.1',
    '127.0.0.1:80',
    'localhost',
    'evil.example',
    '[::1]:1',
    '127.0.0.1.evil.example',
    `Bearer ${key}`,
    key,
    `bearer   ${key} `,
    'close, x-other',
    'keep-alive',
    'none',
    'cross-site',
    'http://127.0.0.1',
    'null',
    'trailers',
    '',
    'a'.repeat(600),
  ),
  fc.stringMatching(/^[\t\u0020-\u007E]{0,60}$/),
)
const segments = fc.constantFrom(
  '',
  '.',
  '..',
  '%2e',
  '%2E%2e',
  '%252e',
  '%25252525252e',
  '%2f',
  '%5c',
  ';',
  '..;',
  '\\',
  'api',
  'v1',
  '%00',
  '%',
  '~',
  '?key=x',
  `?key=${key}`,
  '&key=%',
  '#',
)
const asked: fc.Arbitrary<Asked> = fc.tuple(
  fc.oneof(
    targets,
    fc.array(segments, { maxLength: 6 }).map((parts) => `/${parts.join('/')}`),
    fc.array(segments, { maxLength: 6 }).map((parts) => `/api${parts.join('')}`),
  ),
  fc.array(fc.tuple(names, values), { maxLength: 8 }),
)

/** Request lines and headers of up to 16 KiB, which is the limit of Node's parser. */
export const PROXY_REQUESTS: Reader = {
  name: 'requests to the proxy',
  inputs: asked,
  share: 40,
  read: readRequest,
  large: (part) => {
    const length = Math.floor(16_384 * part)
    const times = (text: string): string => text.repeat(Math.ceil(length / text.length))
    const host: readonly [string, string] = ['Host', '127.0.0.1']
    return [
      ...['%', '%2e', '%25', '/', '/a', ';', '.', '%2f..', '?', '&key=', `&key=${key}`].map(
        (text): [string, Asked] => [`a path of ${text.slice(0, 10)}`, [`/api/${times(text)}`, [host]]],
      ),
      ...['?key=', '?a&'].map((text): [string, Asked] => [
        `a query of ${text}`,
        [`/api${times(text)}`, [host]],
      ]),
      ...['Host', 'Authorization', 'Connection', 'TE', 'Origin', 'Sec-Fetch-Site', 'X-Other'].flatMap(
        (name) =>
          ['a', ', ', 'a,', ' ', 'trailers,', 'Bearer ', '127.'].map((text): [string, Asked] => [
            `${name} of ${JSON.stringify(text)}`,
            ['/api/x', [host, [name, times(text)]]],
          ]),
      ),
      ['many headers', ['/api/x', Array.from({ length: length / 8 }, (): [string, string] => ['a', 'b'])]],
      [
        'many keys',
        [
          '/api/x',
          [host, ...Array.from({ length: length / 16 }, (): [string, string] => ['x-api-key', 'b'])],
        ],
      ],
    ]
  },
}
