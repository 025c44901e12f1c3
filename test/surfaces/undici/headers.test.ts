import { expect, test } from 'vitest'
import { credentialOf, withCredential } from '../../../src/surfaces/undici/headers.ts'

const TOKEN = credentialOf({
  set: [['authorization', 'Bearer new']],
  remove: ['x-old'],
  survivesRedirects: false,
})

test.each<[string, unknown, unknown]>([
  [
    'an object',
    { Authorization: 'Bearer own', accept: 'a/b', 'X-Old': '1', host: 'h' },
    { accept: 'a/b', authorization: 'Bearer new' },
  ],
  [
    'a flat list',
    ['accept', 'a/b', 'HOST', 'h', 'x-old', '1', 'authorization', 'x'],
    ['accept', 'a/b', 'authorization', 'Bearer new'],
  ],
  [
    'pairs',
    new Map([
      ['accept', 'a/b'],
      ['X-OLD', '1'],
    ]),
    ['accept', 'a/b', 'authorization', 'Bearer new'],
  ],
  ['nothing', undefined, { authorization: 'Bearer new' }],
])(
  '[F1] given headers as %s, when a token is added, then the other headers stay, in that form',
  (_form, given, expected) => {
    const before = structuredClone(given)
    const once = withCredential(given, TOKEN)
    expect(once).toEqual(expected)
    expect(given).toEqual(before)
    // The second attempt starts from the headers of the first.
    expect(withCredential(once, TOKEN, TOKEN)).toEqual(expected)
  },
)

test('[F1] given a list of an odd length, when a token is added, then undici reports what is wrong with it', () => {
  const sent = withCredential(['accept', 'a/b', 'accept'], TOKEN)
  expect(sent).toEqual(['accept', 'a/b', 'accept', 'authorization', 'Bearer new'])
})

test('[F1] given a header whose name has a meaning for objects, such as __proto__, when a token is added, then the header is kept', () => {
  const headers: unknown = JSON.parse('{"__proto__":"x","constructor":"y"}')
  const sent = JSON.stringify(withCredential(headers, TOKEN))
  expect(sent).toBe('{"__proto__":"x","constructor":"y","authorization":"Bearer new"}')
})
