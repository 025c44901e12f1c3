import { setMaxListeners } from 'node:events'
import { setTimeout as delay } from 'node:timers/promises'
import { Refreshable } from 'llm-refresh'
import { languageModelProvider } from 'llm-refresh/ai-sdk'
import { RefreshingProvider } from 'llm-refresh/provider'
import type { LlmProvider } from 'llm-refresh/provider'
import { startAuthorizationServer } from '../test/support/authorization-server.ts'
import type { AuthorizationServer } from '../test/support/authorization-server.ts'
import { startLlmServer } from '../test/support/llm-server.ts'
import type { LlmServer } from '../test/support/llm-server.ts'
import { chatOnce } from './chat-once.ts'
import { fetchWithRefresh } from './hand-written.ts'
import { newLane } from './lane.ts'
import type { Lane } from './lane.ts'
import { measureChat, tokenSecondsFor } from './measure.ts'
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
  /** How long an access token lives, in seconds: as long as this machine needs. */
  readonly tokenSeconds: number
  /** How long a chat keeps this machine busy, in ms. */
  readonly busy: number
  close(): Promise<void>
}

type Redeem = ReturnType<typeof redeemer>

/** What the demo shall be like. */
export interface EmbeddedOptions {
  /** Through llm-refresh, half of them in each of its lanes; the wrapper gets one half, too. */
  readonly chats: number
  /** Seconds that an access token lives at least. */
  readonly leastSeconds: number
  /** How many lives of a token the chats are spread over. */
  readonly lives: number
}

/** Measures the machine, and starts what it can take. What was started is closed again where that fails. */
export async function startEmbedded(options: EmbeddedOptions): Promise<Embedded> {
  const started: { close(): Promise<void> }[] = []
  const close = async (): Promise<void> => {
    await Promise.all(started.map((server) => server.close()))
  }
  try {
    return { ...(await start(options, started)), close }
  } catch (error) {
    await close()
    throw error
  }
}

async function start(
  { chats, leastSeconds, lives }: EmbeddedOptions,
  started: { close(): Promise<void> }[],
): Promise<Omit<Embedded, 'close'>> {
  let isActive: AuthorizationServer['isActive'] = async (token) => token === REHEARSAL
  const llm = await startLlmServer({ accepts: (token) => isActive(token) })
  started.push(llm)
  const [half, rest] = [Math.ceil(chats / 2), Math.floor(chats / 2)]
  const busy = await rehearse(llm)
  const tokenSeconds = tokenSecondsFor({ chats: chats + half, busy, lives, least: leastSeconds })
  const authorization = await startAuthorizationServer({
    accessTokenSeconds: tokenSeconds,
    // A token endpoint is a network away: 90 ms, where a token lives 3 s.
    beforeToken: () => delay(tokenSeconds * 30),
  })
  started.push(authorization)
  isActive = (token) => authorization.isActive(token)
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

  return {
    tokenSeconds,
    busy,
    lanes: {
      unknown: await lane('expiry unknown', half, (first) => refreshing(first, redeem, llm)),
      known: await lane('expiry known', rest, (first) =>
        refreshing(first, redeem, llm, (token) => token.expiresAt),
      ),
      handWritten: await lane('hand-written', half, (first) => handWritten(first, redeem, llm)),
    },
  }
}

/** What is accepted until there is an authorization server. */
const REHEARSAL = 'rehearsal'

/** Chats that count for nothing. The first ones load and compile a great deal of code; the others tell how long one keeps the machine busy. */
async function rehearse(llm: LlmServer): Promise<number> {
  const providers = VENDORS.map((vendor) =>
    languageModelProvider(vendorModel(vendor, llm.baseUrl[vendor], REHEARSAL, fetch)),
  )
  const signal = new AbortController().signal
  setMaxListeners(0, signal)
  const chat = async (index: number): Promise<void> => {
    const provider = providers[index % providers.length]
    if (provider === undefined) throw new Error('A chat needs a provider.')
    const streaming = index % 2 === 0
    const result = await chatOnce(provider, SHORT, { streaming, signal, onPiece: undefined })
    if (!result.ok) throw new Error(`A chat failed before anything had expired: ${result.reason}`)
  }
  llm.answer(SHORT.answer)
  await measureChat(chat)
  const busy = await measureChat(chat)
  llm.answer(model, PACE)
  return busy
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
