import { setTimeout as delay } from 'node:timers/promises'
import { Refreshable, RefreshingProvider } from 'llm-refresh'
import type { LlmProvider } from 'llm-refresh'
import { languageModelProvider } from 'llm-refresh/ai-sdk'
import { startAuthorizationServer } from '../test/support/authorization-server.ts'
import { startLlmServer } from '../test/support/llm-server.ts'
import type { LlmServer } from '../test/support/llm-server.ts'
import { chatOnce } from './chat-once.ts'
import { fetchWithRefresh } from './hand-written.ts'
import { newLane } from './lane.ts'
import type { Lane } from './lane.ts'
import { vendorModel, VENDORS } from './models.ts'
import { countingFetch } from './rejections.ts'
import { model, PACE, SHORT } from './script.ts'
import { firstToken, redeemer } from './token.ts'
import type { Token } from './token.ts'

/** The three ways of keeping a login that the demo compares. */
export interface Lanes {
  /** llm-refresh is not told when a token expires: each expiry is met as a 401. */
  readonly unknown: Lane
  /** llm-refresh is told, and refreshes ahead. */
  readonly known: Lane
  /** The usual wrapper. */
  readonly handWritten: Lane
}

/** Two servers on loopback and free ports, and three logins. */
export interface Embedded {
  readonly lanes: Lanes
  close(): Promise<void>
}

type Redeem = ReturnType<typeof redeemer>

/** @param chats through llm-refresh, half of them in each of its lanes; the wrapper gets one half, too. */
export async function startEmbedded(chats: number, tokenSeconds: number): Promise<Embedded> {
  const authorization = await startAuthorizationServer({
    accessTokenSeconds: tokenSeconds,
    // A token endpoint is a network away: 90 ms, where a token lives 3 s.
    beforeToken: () => delay(tokenSeconds * 30),
  })
  const llm = await startLlmServer({ accepts: (token) => authorization.isActive(token) })
  llm.answer(model, PACE)
  await warmUp(llm, (await authorization.login()).accessToken)
  const redeem = redeemer(authorization)

  async function lane(
    name: string,
    size: number,
    providersOf: (first: Token) => LlmProvider[] | Promise<LlmProvider[]>,
  ): Promise<Lane> {
    const asked = Date.now()
    const login = await authorization.login()
    return newLane(name, size, login, await providersOf(firstToken(login, asked)))
  }

  const [half, rest] = [Math.ceil(chats / 2), Math.floor(chats / 2)]
  return {
    lanes: {
      unknown: await lane('expiry unknown', half, (first) => refreshing(first, redeem, llm)),
      known: await lane('expiry known', rest, (first) =>
        refreshing(first, redeem, llm, (token) => token.expiresAt),
      ),
      handWritten: await lane('hand-written', half, (first) => handWritten(first, redeem, llm)),
    },
    close: async () => {
      await Promise.all([authorization.close(), llm.close()])
    },
  }
}

/** One chat of each kind, unmeasured: the first ones load and compile a great deal of code. */
async function warmUp(llm: LlmServer, accessToken: string): Promise<void> {
  const providers = VENDORS.map((vendor) =>
    languageModelProvider(vendorModel(vendor, llm.baseUrl[vendor], accessToken, fetch)),
  )
  const signal = AbortSignal.timeout(10_000)
  await Promise.all(
    providers.flatMap((provider) =>
      [true, false].map((streaming) => chatOnce(provider, SHORT, { streaming, signal, onPiece: undefined })),
    ),
  )
}

/** What a user of llm-refresh writes: one cell, and a provider a vendor over it. */
function refreshing(
  initial: Token,
  redeem: Redeem,
  llm: LlmServer,
  expiresAt?: (token: Token) => number,
): Promise<LlmProvider[]> {
  const cell = new Refreshable<Token>({
    initial,
    refresh: ({ current, signal }) => redeem((current?.value ?? initial).refreshToken, signal),
    expiresAt,
  })
  return Promise.all(
    VENDORS.map((vendor) =>
      RefreshingProvider.from(
        cell.map(({ accessToken }) =>
          languageModelProvider(vendorModel(vendor, llm.baseUrl[vendor], accessToken, countingFetch)),
        ),
      ),
    ),
  )
}

/** The same three vendors, with the token kept by the usual wrapper. */
function handWritten(first: Token, redeem: Redeem, llm: LlmServer): LlmProvider[] {
  const fetch = fetchWithRefresh(first, redeem, countingFetch)
  return VENDORS.map((vendor) =>
    languageModelProvider(vendorModel(vendor, llm.baseUrl[vendor], first.accessToken, fetch)),
  )
}
