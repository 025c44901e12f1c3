/**
 * A Worker with its credentials and its store in module scope. The store calls a server over fetch, so that a test can end a request during
 * any step of the store. The test moves the Worker's clock.
 */
import { type Credential, createCredential, type RefreshError, type Source } from '../../src/index.ts'
import { ExclusiveStore } from '../../src/stores/shared/exclusive-store.ts'
import type { LeaseTable } from '../../src/stores/shared/lease-table.ts'
import { LeasedBackend } from '../../src/stores/shared/leased-backend.ts'

interface Context {
  waitUntil(promise: Promise<unknown>): void
}

interface Bindings {
  /** URL */
  readonly ENDPOINT: string
}

/** ms */
const [DEADLINE, LEASE] = [3_000, 200]
const credentials = new Map<string, Credential>()
let ahead = 0
const [now, sinceStart] = [Date.now.bind(Date), performance.now.bind(performance)]
Date.now = () => now() + ahead
performance.now = () => sinceStart() + ahead

async function ask<R>(url: string, body: object): Promise<R> {
  const text = JSON.stringify({ ...body, now: Date.now(), lease: LEASE })
  const response = await fetch(url, { method: 'POST', body: text })
  if (!response.ok) throw new Error(`HTTP ${response.status}`)
  const { result } = (await response.json()) as { result: R }
  return result
}

function tableOf(endpoint: string): LeaseTable {
  const step = <R>(name: string, body: object): Promise<R> => ask<R>(`${endpoint}/table/${name}`, body)
  return {
    read: (key) => step('read', { key }),
    take: (key, owner, known, mayTakeOver) => step('take', { key, owner, known, mayTakeOver }),
    extend: (key, owner, number) => step('extend', { key, owner, number }),
    write: (key, owner, row) => step('write', { key, owner, row }),
    swap: (key, seen, text) => step('swap', { key, seen, text }),
    free: (key, owner, abandoned) => step('free', { key, owner, abandoned }),
    subscribe: undefined,
    place: (key) => key,
    isPassing: () => false,
    isRefusal: () => false,
    explain: (error) => error as RefreshError,
  }
}

const stores = new Map<string, ExclusiveStore>()

/** Returns the store of an account. Accounts whose names have the same part before the hyphen share a store, which holds one lock at a time. */
function storeOf(name: string, endpoint: string): ExclusiveStore {
  const [shared = ''] = name.split('-')
  const made =
    stores.get(shared) ??
    new ExclusiveStore(new LeasedBackend(tableOf(endpoint), { lease: LEASE, timeout: 2_000 }), {
      lease: LEASE,
      timeout: 2_000,
      maxLocks: 1,
    })
  stores.set(shared, made)
  return made
}

/** @param as distinguishes several credentials of one account */
function credentialOf(name: string, as: string, endpoint: string): Credential {
  const known = credentials.get(`${name} ${as}`)
  if (known !== undefined) return known
  const source: Source = {
    issue: async ({ current, sent }) => {
      sent()
      const { status, token } = await ask<{ status: number; token: string }>(`${endpoint}/redeem/${name}`, {
        refreshToken: current?.refreshToken,
      })
      if (status !== 200) throw Object.assign(new Error('refused'), { code: 'refused' })
      return { accessToken: `access-${token}`, refreshToken: token, expiresAt: Date.now() + 1_000_000 }
    },
  }
  const made = createCredential({ source, key: name, store: storeOf(name, endpoint), deadline: DEADLINE })
  credentials.set(`${name} ${as}`, made)
  return made
}

const codeOf = (error: unknown): string => (error as RefreshError).code ?? String(error)

async function respond(
  path: string,
  query: URLSearchParams,
  endpoint: string,
  context: Context,
): Promise<unknown> {
  const name = query.get('name') ?? ''
  const token = credentialOf(name, query.get('as') ?? '', endpoint)
  const background = query.has('background')
    ? (flight: Promise<void>): void => context.waitUntil(flight)
    : undefined
  const given = (running: Promise<unknown>): Promise<unknown> =>
    running.then((value) => value ?? 'done', codeOf)
  const run = (what: string): Promise<unknown> => {
    switch (what) {
      case 'login': {
        const expiresAt = Date.now() + Number(query.get('ms'))
        const refreshToken = query.get('token') ?? '0'
        return token.login({ accessToken: `access-${refreshToken}`, refreshToken, expiresAt })
      }
      case 'logout':
        return token.logout()
      case 'flush':
        return token.flush({ timeout: 2_000 })
      case 'rejected': {
        // Report first that the token worked: the library does not refresh a token at once that no endpoint ever accepted.
        const known = token.peek()
        if (known !== undefined) token.accepted(known)
        return token.accessToken({ background, rejected: known?.value.accessToken })
      }
      default:
        return token.accessToken({ background })
    }
  }
  switch (path) {
    case '/advance':
      ahead += Number(query.get('ms'))
      return 'advanced'
    case '/status':
      return token.status()
    case '/begin': {
      // The request ends as soon as the server holds the step. It does not wait for the work that it began.
      void given(run(query.get('do') ?? ''))
      await fetch(`${endpoint}/held`)
      return 'begun'
    }
    default: {
      const began = Date.now()
      return { given: await given(run(path.slice(1))), took: Date.now() - began }
    }
  }
}

const worker = {
  async fetch(request: Request, bindings: Bindings, context: Context): Promise<Response> {
    const { pathname, searchParams } = new URL(request.url)
    return Response.json(await respond(pathname, searchParams, bindings.ENDPOINT, context))
  },
}

// oxlint-disable-next-line import/no-default-export
export { worker as default }
