import { fork } from 'node:child_process'
import { once } from 'node:events'
import { createCredential } from 'llm-refresh'
import { mcp } from 'llm-refresh/sources/mcp'
import { openStore } from '../../bench/stores-place.ts'
import {
  type AuthorizationServer,
  type Login,
  startAuthorizationServer,
} from '../../test/support/authorization-server.ts'
import { bundle } from '../../test/support/bundle.ts'
import type { CallerName } from './mcp-callers.ts'
import type { Order, Orders, Told } from './mcp-member.ts'
import { writeTokens } from './mcp-own-login.ts'
import { startMcpServer } from './mcp-server.ts'

/** The text that the server's tool returns. */
const ANSWER = 'hello'

/** Processes whose callers share one login at one MCP server. */
export interface Storm {
  readonly server: AuthorizationServer
  readonly login: Login
  /** Sends an order to all processes at once. @returns the sum of their reports */
  tell(order: Order): Promise<Told>
  close(): Promise<void>
}

export interface StormOptions {
  readonly client: CallerName
  readonly processes: number
  readonly callers: number
  readonly login: Orders['login']
  /** Life of an access token, in whole seconds. Default: 3600. */
  readonly accessTokenSeconds?: number
  /** ms that the token endpoint takes to respond. Default: 0. */
  readonly latency?: number
  /** The path of the Node that runs the processes. */
  readonly node: string
  /** The folder in which the client's `packages` are installed, if it needs any. */
  readonly folder?: string
}

/** Bundles the program of the member processes into one file in this folder. @returns its path */
export function bundleMcpMember(folder: string): Promise<string> {
  return bundle(new URL('mcp-member.ts', import.meta.url), `${folder}/mcp-member.mjs`)
}

/** @param program the path that `bundleMcpMember` returned */
export async function startStorm(program: string, options: StormOptions): Promise<Storm> {
  const { accessTokenSeconds = 3600, latency = 0, folder = '' } = options
  const server = await startAuthorizationServer({
    accessTokenSeconds,
    resource: () => api.url,
    beforeToken: () => new Promise((resolve) => setTimeout(resolve, latency)),
  })
  const api = await startMcpServer((token) => server.isActive(token), ANSWER, server.issuer)
  const registered = { issuer: server.issuer, clientId: server.client.id, clientSecret: server.client.secret }
  const orders = { ...options, folder, answer: ANSWER, url: api.url, registered }
  const starting = Array.from({ length: options.processes }, () => startMember(program, options.node, orders))
  const members = await Promise.all(starting)
  // The login comes after the start of the processes, because its token may live only for seconds.
  const login = await server.login()
  await logIn(orders, login)
  return {
    server,
    login,
    tell: async (order) => {
      const told = await Promise.all(members.map((member) => member.tell(order)))
      const sum = (of: (one: Told) => number): number => told.reduce((all, one) => all + of(one), 0)
      return {
        served: sum(({ served }) => served),
        failed: sum(({ failed }) => failed),
        spared: sum(({ spared }) => spared),
        error: told.find(({ error }) => error !== undefined)?.error,
      }
    },
    close: async () => {
      await Promise.all(members.map((member) => member.close()))
      await Promise.all([api.close(), server.close()])
    },
  }
}

/** Writes a login to the place where the processes read it. */
async function logIn(
  { login: place, url, registered }: Orders,
  { accessToken, refreshToken, expiresIn }: Login,
): Promise<void> {
  if (place.kind === 'authProvider') {
    const tokens = { access_token: accessToken, refresh_token: refreshToken, expires_in: expiresIn }
    writeTokens(place.at, { ...tokens, token_type: 'Bearer', issuer: registered.issuer })
    return
  }
  const { clientId, clientSecret } = registered
  const { store, close } = await openStore(place)
  const source = mcp(url, { clientId, clientSecret, store })
  await createCredential({ source, store, key: url }).login({
    accessToken,
    refreshToken,
    expiresAt: Date.now() + expiresIn * 1_000,
  })
  await close()
}

interface Member {
  tell(order: Order): Promise<Told>
  close(): Promise<void>
}

async function startMember(
  program: string,
  execPath: string,
  { client, callers, url, registered, folder, answer, login }: Orders,
): Promise<Member> {
  const orders: Orders = { client, callers, url, registered, folder, answer, login }
  // The child exits when its channel to this process closes.
  const child = fork(program, [JSON.stringify(orders)], { execPath, execArgv: [] })
  const exit = once(child, 'exit')
  const ended = exit.then(() =>
    Promise.reject(new Error('A process of the storm has ended: its error is above.')),
  )
  ended.catch(() => undefined)
  const next = async (): Promise<unknown> => {
    const [message]: unknown[] = await Promise.race([once(child, 'message'), ended])
    return message
  }
  await next()
  return {
    tell: async (order) => {
      const told = next()
      child.send(order)
      return (await told) as Told
    },
    close: async () => {
      if (child.connected) child.disconnect()
      await exit
    },
  }
}
