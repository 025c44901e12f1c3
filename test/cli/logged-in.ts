import { createCredential, type Credential } from '../../src/index.ts'
import { oauth } from '../../src/sources/oauth/index.ts'
import { fileStore } from '../../src/stores/file/index.ts'

/** A client whose endpoint is not there: nobody asks it while the token is good. */
export const client = { tokenEndpoint: 'http://127.0.0.1:1/token', clientId: 'app' }

/** Logs in as `work`, in the store of a machine, with a token that lives for an hour. */
export async function loggedIn(store: string): Promise<Credential> {
  const credential = createCredential({
    source: oauth(client),
    store: fileStore({ path: store }),
    key: 'work',
  })
  await credential.login({ access_token: 'canary', refresh_token: 'canary-refresh', expires_in: 3600 })
  await credential.flush()
  return credential
}
