/**
 * What the examples share: a token that lives in a file and is renewed there by something else (an agent, a cron job, a
 * mounted secret), and the fetch that keeps requests on it.
 */
import { readFile } from 'node:fs/promises'
import { type HttpSurfaceOptions, Refreshable, refreshingFetch } from 'llm-refresh'

const { TOKEN_FILE = 'token', API_ORIGIN = 'https://api.openai.com' } = process.env

export const token: Refreshable<string> = new Refreshable({
  refresh: async () => (await readFile(TOKEN_FILE, 'utf8')).trim(),
})

export const options: HttpSurfaceOptions<string> = {
  origins: API_ORIGIN,
  // The keys that clients send beside it, because they demand one, stay at home.
  apply: (value) => ({
    authorization: `Bearer ${value}`,
    'x-api-key': undefined,
    'x-goog-api-key': undefined,
  }),
}

export const fetch: typeof globalThis.fetch = refreshingFetch(token, options)
