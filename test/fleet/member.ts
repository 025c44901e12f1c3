// One process of a fleet: callers that share a credential with all other processes, by a file store.
import { createInterface } from 'node:readline'
import { oauth } from '../../src/credentials/sources/oauth.ts'
import { fileStore } from '../../src/credentials/stores/file.ts'
import { sealed, type SealingKey } from '../../src/credentials/stores/sealed.ts'
import { credential, refreshingFetch, RefreshError } from '../../src/index.ts'

interface Orders {
  readonly path: string
  readonly issuer: string
  readonly clientId: string
  readonly clientSecret: string
  readonly api: string
  readonly callers: number
  /** Those that seal the store; undefined: it is not sealed. */
  readonly keys?: SealingKey[]
}

const orders = JSON.parse(process.argv[2] ?? '') as Orders
const { path, issuer, clientId, clientSecret, api, callers, keys } = orders
const failures: string[] = []
const files = fileStore({ path })
const token = credential({
  source: oauth({ issuer, clientId, clientSecret }),
  store: keys ? sealed(files, keys) : files,
  onEvent: (event) => 'error' in event && failures.push(`${event.type} ${event.error.code}`),
})
const fetch = refreshingFetch(token, { origins: api })

async function call(): Promise<boolean> {
  try {
    const response = await fetch(api)
    await response.body?.cancel()
    return response.ok
  } catch (error) {
    failures.push(error instanceof RefreshError ? error.code : String(error))
    return false
  }
}

// Each line is a round: all callers at once.
for await (const line of createInterface(process.stdin)) {
  if (line === 'end') break
  const served = await Promise.all(Array.from({ length: callers }, call))
  process.stdout.write(`${JSON.stringify({ served: served.filter(Boolean).length, failures })}\n`)
}
process.exit()
