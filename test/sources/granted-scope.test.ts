import { expect, test } from 'vitest'
import { createCredential, memoryStore } from '../../src/index.ts'
import { oauth, type OAuthOptions } from '../../src/sources/oauth/index.ts'
import { failure, JSON_TYPE, printed, serve } from './helpers.ts'

/** A token endpoint that refuses each scope but these at a refresh, as UAA, FusionAuth and Google do. */
async function granting(...granted: string[]) {
  let number = 0
  const server = await serve(({ body }, response) => {
    const asked = new URLSearchParams(body.toString()).get('scope')?.split(' ') ?? []
    const isGranted = asked.every((scope) => granted.includes(scope))
    const token = {
      access_token: `a${++number}`,
      refresh_token: `r${number}`,
      token_type: 'Bearer',
      expires_in: 60,
    }
    response.writeHead(isGranted ? 200 : 400, JSON_TYPE)
    return response.end(JSON.stringify(isGranted ? token : { error: 'invalid_scope' }))
  })
  const store = memoryStore()
  return {
    account: (options: Partial<OAuthOptions>) => {
      const source = oauth({ tokenEndpoint: `${server.origin}/token`, clientId: 'client', ...options })
      return createCredential({ source, store })
    },
    sent: () =>
      server.requests.map(({ body }) => {
        const form = new URLSearchParams(body.toString())
        return [form.get('refresh_token'), form.get('scope')]
      }),
  }
}

const LOGIN = { accessToken: 'old', refreshToken: 'r0', scope: 'read' }

test('[K20] given a login that was granted less than it asked for, when it is refreshed, then what was granted is asked for', async () => {
  const { account, sent } = await granting('read')
  const credential = account({ scope: 'read write' })
  await credential.login(LOGIN)
  const { value } = await credential.refresh(await credential.snapshot())
  expect(value).toMatchObject({ accessToken: 'a2', refreshToken: 'r2', scope: 'read' })
  expect(sent()).toEqual([
    ['r0', 'read write'],
    ['r0', null],
  ])
})

test('[K20] given an endpoint that hears the whole scope again, then nothing else is asked for', async () => {
  const { account, sent } = await granting('read', 'write')
  const credential = account({ scope: 'read write' })
  await credential.login(LOGIN)
  await credential.refresh(await credential.snapshot())
  expect(sent()).toEqual([['r0', 'read write']])
})

test.each([
  ['a wider wish than that of the login', { scope: 'read' }, { scope: 'read write' }],
  [
    'a refresh token of the configuration',
    undefined,
    {
      scope: 'read write',
      grant: { type: 'refresh_token', refreshToken: 'seed' },
    } satisfies Partial<OAuthOptions>,
  ],
])(
  '[K20] given %s, then its refusal is told, and nothing narrower is asked for',
  async (_name, before, options) => {
    const { account, sent } = await granting('read')
    if (before !== undefined) await account(before).login(LOGIN)
    const error = await failure(account(options).accessToken())
    expect(error).toMatchObject({ code: 'source_refused', message: expect.stringContaining('read write') })
    expect(printed(error)).not.toContain('seed')
    expect(sent()).toHaveLength(1)
  },
)

test('[K20] given another refusal, then it is asked once', async () => {
  const server = await serve((_request, response) =>
    response.writeHead(400, JSON_TYPE).end(JSON.stringify({ error: 'unauthorized_client' })),
  )
  const source = oauth({ tokenEndpoint: `${server.origin}/token`, clientId: 'client', scope: 'read write' })
  const credential = createCredential({ source })
  await credential.login(LOGIN)
  await failure(credential.refresh(await credential.snapshot()))
  expect(server.requests).toHaveLength(1)
})
