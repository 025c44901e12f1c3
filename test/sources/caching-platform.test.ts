import { expect, test } from 'vitest'
import { createCredential, type Source } from '../../src/index.ts'
import { oauth } from '../../src/sources/oauth/index.ts'
import { workload } from '../../src/sources/workload/index.ts'
import { JSON_TYPE, serve } from './helpers.ts'

/** The member of a request's options that Next.js 14 reads. */
interface NextInit extends RequestInit {
  readonly next?: { readonly revalidate?: number | false }
}

/** A fetch that caches successful responses, also to POST requests, unless the request forbids it. The fetch of Next.js 14 does so. */
function keeping() {
  const kept = new Map<string, Response>()
  const fetches: typeof fetch = async (input, init: NextInit = {}) => {
    const isKept = init.cache !== 'no-store' && init.next?.revalidate !== 0
    const request = new Request(input, init)
    const key = JSON.stringify([request.url, [...request.headers], await request.text()])
    const found = isKept ? kept.get(key) : undefined
    if (found !== undefined) return found.clone()
    const response = await fetch(input, init)
    if (isKept && response.status === 200) kept.set(key, response.clone())
    return response
  }
  return { kept, fetch: fetches }
}

const client = { clientId: 'client', clientSecret: 'secret' }
const sources: Record<string, (tokenEndpoint: string, own: typeof fetch) => Source> = {
  'client credentials': (tokenEndpoint, own) =>
    oauth({ tokenEndpoint, ...client, grant: 'client_credentials', fetch: own }),
  'a refresh token that stays': (tokenEndpoint, own) =>
    oauth({ tokenEndpoint, ...client, grant: { type: 'refresh_token', refreshToken: 'seed' }, fetch: own }),
  'a token exchange': (tokenEndpoint, own) =>
    workload({ for: { tokenEndpoint }, subjectToken: () => 'subject', fetch: own }),
}

const SOURCES = Object.entries(sources)
test.each(SOURCES)(
  '[K19] given a platform that caches responses, when a token of %s is rejected, then the token endpoint issues another one, and no response is cached',
  async (_name, sourceOf) => {
    let number = 0
    const server = await serve((_request, response) => {
      const token = { access_token: `a${++number}`, token_type: 'Bearer', expires_in: 3600 }
      return response.writeHead(200, JSON_TYPE).end(JSON.stringify(token))
    })
    const platform = keeping()
    const credential = createCredential({ source: sourceOf(`${server.origin}/token`, platform.fetch) })
    const rejected = await credential.snapshot()
    const { value } = await credential.refresh(rejected)
    expect([rejected.value.accessToken, value.accessToken]).toEqual(['a1', 'a2'])
    expect(platform.kept.size).toBe(0)
  },
)
