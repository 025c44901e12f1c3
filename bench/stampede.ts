import { Refreshable, retryOnce } from 'llm-refresh'
import { elapsed, type Finding, inTurn } from './rounds.ts'

const CALLERS = 10_000
/** ms: how long a token endpoint and an API take to respond, as in our field measurements. */
const REFRESH_MS = 50
const API_MS = 20

const policy = { isRejection: (status: number) => status === 401 }

/** 10,000 callers that are rejected at once, compared with a program that makes the same attempts and the same pause without the library. */
export async function stampede(): Promise<Finding[]> {
  let refreshes = 0
  const throughCell = async (): Promise<void> => {
    refreshes = 0
    const cell = new Refreshable({
      initial: 'old',
      refresh: async () => {
        refreshes++
        await wait(REFRESH_MS)
        return 'new'
      },
    })
    const answers = await Promise.all(Array.from({ length: CALLERS }, () => retryOnce(cell, attempt, policy)))
    check(answers)
    if (refreshes !== 1) throw new Error(`${refreshes} refreshes`)
  }
  const byHand = async (): Promise<void> => {
    const rejected = await Promise.all(Array.from({ length: CALLERS }, () => attempt('old')))
    if (rejected.some((status) => status !== 401)) throw new Error('not rejected')
    await wait(REFRESH_MS)
    check(await Promise.all(Array.from({ length: CALLERS }, () => attempt('new'))))
  }
  const { one, other, ratio } = await inTurn(
    61,
    () => elapsed(byHand),
    () => elapsed(throughCell),
  )
  return [
    {
      question: '10,000 callers rejected at once: one refresh, all served',
      figure: ratio,
      unit: '×',
      ceiling: 1.2,
      note: `against the same attempts and wait by hand: ${inMs(other)} and ${inMs(one)}, an API of ${API_MS} ms and a refresh of ${REFRESH_MS} ms in both; the shorter they are, the more the callers’ own bookkeeping shows`,
    },
  ]
}

async function attempt(token: string): Promise<number> {
  await wait(API_MS)
  return token === 'new' ? 200 : 401
}

function wait(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms))
}

function check(answers: readonly number[]): void {
  if (answers.some((status) => status !== 200)) throw new Error('not served')
}

function inMs(ns: number): string {
  return `${(ns / 1e6).toFixed(1)} ms`
}
