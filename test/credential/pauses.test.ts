import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { createCredential, type Credential, memoryStore, RefreshError, type Source } from '../../src/index.ts'
import { command } from '../../src/sources/command/index.ts'
import { env } from '../../src/sources/env.ts'
import { file } from '../../src/sources/file.ts'
import { oauth } from '../../src/sources/oauth/index.ts'
import { script, temporaryFolder } from '../sources/helpers.ts'
import { ManualClock } from '../support/manual-clock.ts'

/** What a call gets whose token was rejected. */
async function reject(token: Credential): Promise<string> {
  try {
    const held = await token.snapshot()
    return (await token.refresh(held)).value.accessToken
  } catch (error) {
    if (error instanceof RefreshError) return error.code
    throw error
  }
}

interface Mended {
  readonly source: Source
  /** From here on it gives 'mended'. */
  mend(): void | Promise<void>
}

const STATIC: Record<string, () => Mended | Promise<Mended>> = {
  variable: () => {
    const variables = { A_KEY: 'stale' }
    return {
      source: env('A_KEY', { env: variables }),
      mend: () => {
        variables.A_KEY = 'mended'
      },
    }
  },
  file: async () => {
    const path = join(await temporaryFolder(), 'token')
    await writeFile(path, 'stale')
    return { source: file(path), mend: () => writeFile(path, 'mended') }
  },
  helper: async () => {
    const path = join(await temporaryFolder(), 'token')
    await writeFile(path, 'stale')
    return {
      source: command({ file: await script(`cat '${path}'`) }),
      mend: () => writeFile(path, 'mended'),
    }
  },
  'helper that prints nothing of use': async () => {
    const path = join(await temporaryFolder(), 'token')
    await writeFile(path, 'stale')
    const source = command({
      file: await script(`cat '${path}'; echo stale > '${path}.x'; echo ' ' >> '${path}'`),
    })
    return { source, mend: () => writeFile(path, 'mended') }
  },
  'source of the host that spends nothing': () => {
    let accessToken = 'stale'
    return {
      source: { spendsRefreshToken: false, issue: async () => ({ accessToken }) },
      mend: () => {
        accessToken = 'mended'
      },
    }
  },
}

test.each(Object.entries(STATIC))(
  '[K11, K15] given a %s that gave the rejected token for minutes, when it is mended, then a call 5 s later succeeds',
  async (_, make) => {
    const { source, mend } = await make()
    const clock = new ManualClock()
    const token = createCredential({ source, clock })
    for (let n = 0; n < 12; n++) {
      expect(['unchanged', 'refresh_suspended', 'source_invalid']).toContain(await reject(token))
      await clock.advance(10_000)
    }
    // The pause before the mending is as long as they get.
    await reject(token)
    await mend()
    await clock.advance(5_000)
    expect(await reject(token)).toBe('mended')
  },
  20_000,
)

test('[K11, K15] given a store-only process, when another process has written to the store, then it sees the token 5 s later', async () => {
  const [store, clock] = [memoryStore(), new ManualClock()]
  await store.update('default', async () => ({ token: { accessToken: 'stale' } }))
  const token = createCredential({ source: 'store-only', store, clock })
  for (let n = 0; n < 12; n++) {
    await reject(token)
    await clock.advance(10_000)
  }
  await reject(token)
  await store.update('default', async () => ({ token: { accessToken: 'mended' } }))
  await clock.advance(5_000)
  expect(await reject(token)).toBe('mended')
})

test('[K11] given a source that spends and gives the rejected token, then pauses double up to a minute', async () => {
  let asked = 0
  const source: Source = {
    issue: async () => {
      asked++
      return { accessToken: 'stale', refreshToken: `r-${asked}` }
    },
  }
  const clock = new ManualClock()
  const token = createCredential({ source, clock })
  for (let second = 0; second < 300; second++) {
    await reject(token)
    await clock.advance(1_000)
  }
  expect(asked).toBeLessThan(14)
})

const NOTHING: Record<string, readonly [body: string, type: string]> = {
  'half of its JSON': ['{"access_token":"a', 'application/json'],
  nothing: ['', 'application/json'],
  'an empty object': ['{}', 'application/json'],
  'an empty list': ['[]', 'application/json'],
  'a page': ['<html>', 'text/html'],
  'a sentence in JSON': ['{"message":"maintenance"}', 'application/json'],
}

test.each(Object.entries(NOTHING))(
  '[K15, K13] given an endpoint that responds 200 with %s for 45 s, then it is asked 10 times, and a call succeeds 5 s after it recovers',
  async (_, [body, type]) => {
    const clock = new ManualClock()
    clock.tick(10_000)
    let [asked, isWell] = [0, false]
    const fetch: typeof globalThis.fetch = async () => {
      asked++
      const good = Response.json({ access_token: 'mended', refresh_token: 'r-2', token_type: 'Bearer' })
      return isWell ? good : new Response(body, { headers: { 'content-type': type } })
    }
    const token = createCredential({
      source: oauth({ tokenEndpoint: 'https://auth.example.com/token', clientId: 'app', fetch, clock }),
      clock,
    })
    await token.login({ accessToken: 'stale', refreshToken: 'r-1' })
    for (let second = 0; second < 45; second++) {
      await reject(token)
      await clock.advance(1_000)
    }
    expect(asked).toBeLessThanOrEqual(10)
    expect(asked).toBeGreaterThanOrEqual(7)
    isWell = true
    await clock.advance(5_000)
    expect(await reject(token)).toBe('mended')
  },
)

test('[K13] given a source that spends and gives tokens that can never be used, then the pauses grow', async () => {
  const clock = new ManualClock()
  clock.tick(10_000)
  let asked = 0
  const fetch: typeof globalThis.fetch = async () =>
    Response.json({ access_token: 'a', refresh_token: `r-${++asked}`, token_type: 'DPoP' })
  const token = createCredential({
    source: oauth({ tokenEndpoint: 'https://auth.example.com/token', clientId: 'app', fetch, clock }),
    clock,
  })
  await token.login({ accessToken: 'stale', refreshToken: 'r-0' })
  for (let second = 0; second < 300; second++) {
    await reject(token)
    await clock.advance(1_000)
  }
  expect(asked).toBeLessThan(14)
})
