/**
 * The examples share this credential and this fetch. Another program (an agent, a cron job, a mounted secret) renews the token in a
 * file.
 */
import { readFile } from 'node:fs/promises'
import { type HttpSurfaceOptions, Refreshable, refreshingFetch } from 'llm-refresh'

const { TOKEN_FILE = 'token', API_ORIGIN = 'https://api.openai.com' } = process.env

export const credential: Refreshable<string> = new Refreshable({
  refresh: async () => (await readFile(TOKEN_FILE, 'utf8')).trim(),
})

export const options: HttpSurfaceOptions<string> = {
  origins: API_ORIGIN,
  // Some clients require a key, and send it in these headers. The value undefined removes the header from the request.
  apply: (value) => ({
    authorization: `Bearer ${value}`,
    'x-api-key': undefined,
    'x-goog-api-key': undefined,
  }),
}

export const fetch: typeof globalThis.fetch = refreshingFetch(credential, options)
