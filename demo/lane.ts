import { setTimeout as delay } from 'node:timers/promises'
import type { LlmProvider } from 'llm-refresh/provider'
import type { Login } from '../test/support/authorization-server.ts'
import { chatOnce } from './chat-once.ts'
import { countingRejections } from './rejections.ts'
import { SHORT, SHOWN } from './script.ts'

/** One way of keeping a login, and how its chats went. */
export interface Lane {
  readonly name: string
  /** One provider a vendor; all share one login. */
  readonly providers: readonly LlmProvider[]
  readonly login: Login
  readonly chats: number
  /** Chats whose answer arrived whole. */
  done: number
  /** How long each of them took, in ms, the refresh it may have waited for included; the shown one aside. */
  readonly times: number[]
  /** Why chats failed. */
  readonly failures: string[]
  /** 401s that a finished chat met and its caller did not see. */
  absorbed: number
  /** When the login was found lost, in ms since the start. */
  lostAt: number | undefined
}

/** When chats start, and when they must have ended. */
export interface Schedule {
  /** ms */
  readonly span: number
  readonly signal: AbortSignal
}

/** A chat that is shown as it streams: the first one that streams after `from`, in ms. */
export interface Showcase {
  readonly from: number
  readonly onPiece: (piece: string) => void
  readonly onEnd: () => void
}

export function newLane(name: string, chats: number, login: Login, providers: readonly LlmProvider[]): Lane {
  return { name, chats, login, providers, done: 0, times: [], failures: [], absorbed: 0, lostAt: undefined }
}

/** Chats that start at the same instant: two are enough to make a refresh token be redeemed twice. */
const AT_ONCE = 2

/**
 * Runs a lane's chats, a pair at a time, evenly spread over the span: the vendors in turn, streaming and unary
 * in turn. A chat starts when its time has come, whether or not those before it have ended.
 */
export async function runLane(lane: Lane, { span, signal }: Schedule, showcase?: Showcase): Promise<void> {
  const started = performance.now()
  const interval = span / Math.ceil(lane.chats / AT_ONCE)
  const startOf = (index: number): number => Math.floor(index / AT_ONCE) * interval
  const shown = showcase && firstStreaming(lane.chats, (index) => startOf(index) >= showcase.from)

  async function runChat(index: number): Promise<void> {
    const provider = lane.providers[index % lane.providers.length]
    if (provider === undefined) throw new Error('A lane needs a provider.')
    await delay(Math.max(0, started + startOf(index) - performance.now()))
    const begun = performance.now()
    const onPiece = index === shown ? showcase?.onPiece : undefined
    const { result, rejections } = await countingRejections(() =>
      chatOnce(provider, onPiece ? SHOWN : SHORT, { streaming: streams(index), signal, onPiece }),
    )
    if (onPiece) showcase?.onEnd()
    if (result.ok) {
      lane.done++
      lane.absorbed += rejections
      if (!onPiece) lane.times.push(performance.now() - begun)
    } else {
      lane.failures.push(result.reason)
    }
    if (lane.login.revoked()) lane.lostAt ??= performance.now() - started
  }

  await Promise.all(Array.from({ length: lane.chats }, (_, index) => runChat(index)))
}

function streams(index: number): boolean {
  return index % 2 === 0
}

function firstStreaming(chats: number, suits: (index: number) => boolean): number | undefined {
  return Array.from({ length: chats }, (_, index) => index).find((index) => streams(index) && suits(index))
}
