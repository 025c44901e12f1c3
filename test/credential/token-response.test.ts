import { expect, test } from 'vitest'
import { readToken, withKept } from '../../src/credential/token.ts'
import { tokenFromResponse } from '../../src/credential/token/token-response.ts'

const NOW = Date.UTC(2026, 10, 1)

test('[K1] given an unchanged token response, then login() takes it, and its lifetime counts from that call', () => {
  const response = {
    access_token: 'a',
    token_type: 'Bearer',
    expires_in: '3600',
    refresh_token: 'r',
    scope: 's',
    refresh_token_expires_in: 7_200,
    account: { id: 1 },
  }
  expect(tokenFromResponse(response, NOW)).toEqual({
    accessToken: 'a',
    tokenType: 'Bearer',
    expiresAt: NOW + 3_600_000,
    refreshToken: 'r',
    scope: 's',
    extra: { refresh_token_expires_in: 7_200, account: { id: 1 } },
  })
})

test.each([{}, { access_token: 'a\nb' }, { access_token: 'a', token_type: 'DPoP' }, []])(
  '[E1] given %j, then it is no token response, and the error quotes no part of it',
  (response) => {
    const read = (): unknown => tokenFromResponse(response, NOW)
    expect(read).toThrow(expect.objectContaining({ code: 'invalid_value' }))
    expect(read).toThrow(/^This token response is no use: its? /)
  },
)

test('[K2] given many refreshes, then the extra members of a token stay bounded, and new ones come before old ones', () => {
  let token = readToken({ accessToken: 'a' })
  for (let n = 0; n < 50; n++) {
    const fresh = { accessToken: 'a', extra: { [`part-${n}`]: 'x'.repeat(1_000), n } }
    token = readToken(withKept(fresh, token))
  }
  expect(JSON.stringify(token.extra).length).toBeLessThanOrEqual(16_384)
  expect(token.extra).toMatchObject({ n: 49, 'part-49': 'x'.repeat(1_000) })
})

test('[K2] given a token, then refreshAt is kept, and members that JSON cannot hold are left out', () => {
  const extra = { text: 't', number: 1, none: null, nan: NaN, list: [1, { a: true }], run: () => 1, big: 5n }
  const token = readToken({ accessToken: 'a', expiresAt: NOW, refreshAt: NOW - 1, extra })
  expect(token.refreshAt).toBe(NOW - 1)
  expect(token.extra).toEqual({ text: 't', number: 1, none: null, list: [1, { a: true }] })
})
