import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { createCredential } from '../../src/index.ts'
import { oauth } from '../../src/sources/oauth/index.ts'
import { fileStore } from '../../src/stores/file/index.ts'
import { startTestServers, type TestServers } from '../../src/testing/index.ts'
import { type LlmServer, startLlmServer } from '../support/llm-server.ts'

/** A person's login, whose access tokens are good for one call: each call of a program meets an expired one. */
export interface SingleUse {
  readonly servers: TestServers
  readonly llm: LlmServer
  /** A configuration with routes to the three vendors. */
  readonly config: string
  /** Calls that were served. */
  readonly served: () => number
  /** The login is good for so many calls from now on, and has ended then. */
  grant(calls: number): Promise<void>
  close(): Promise<void>
}

/** @param folder the configuration and the store go into it */
export async function startSingleUse(folder: string, answer: string): Promise<SingleUse> {
  const servers = await startTestServers({ lifetime: 3_600_000 })
  let [served, left] = [0, 0]
  const accepts = async (token: string): Promise<boolean> => {
    const { ok } = await fetch(`${servers.baseURL}/models`, { headers: { authorization: `Bearer ${token}` } })
    if (!ok) return false
    served++
    servers.expireTokens()
    if (--left <= 0) servers.revokeLogins()
    return true
  }
  const llm = await startLlmServer({ accepts, answer })
  const client = { issuer: servers.issuer, clientId: 'app' }
  const credential = 'me'
  const config = join(folder, 'config', 'config.jsonc')
  await mkdir(join(folder, 'config'), { mode: 0o700 })
  const routes = {
    openai: { preset: 'openai', to: `${llm.url}/v1`, credential },
    anthropic: { preset: 'anthropic', to: llm.url, credential },
    google: { preset: 'google', to: llm.url, credential },
  }
  const stores = { default: { type: 'file', path: '../store' } }
  const content = { version: 1, stores, credentials: { me: { source: 'oauth', ...client } }, routes }
  await writeFile(config, JSON.stringify(content), { mode: 0o600 })
  const login = createCredential({
    source: oauth(client),
    store: fileStore({ path: join(folder, 'store') }),
    key: credential,
  })
  return {
    servers,
    llm,
    config,
    served: () => served,
    grant: async (calls) => {
      left = calls
      await login.login(servers.login())
      await login.flush()
      servers.expireTokens()
    },
    close: async () => {
      await Promise.all([servers.close(), llm.close()])
    },
  }
}
