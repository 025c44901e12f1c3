import { styled } from './styled.ts'
import type { Style } from './styled.ts'
import { keptPromise } from './summary.ts'
import type { Summary } from './summary.ts'

/** The finished run: two halves through llm-refresh, and the same with the hand-written wrapper. */
export interface Results {
  readonly unknown: Summary
  readonly known: Summary
  readonly handWritten: Summary
}

/** One line of the table: what is measured, how it is written, and when it is bad. */
interface Row {
  title: string
  text: (summary: Summary) => string
  bad?: (summary: Summary) => boolean
}

const ROWS: readonly Row[] = [
  { title: 'chats done', text: ({ done }) => String(done) },
  { title: 'chats failed', text: ({ failed }) => String(failed), bad: ({ failed }) => failed > 0 },
  { title: '401s absorbed', text: ({ absorbed }) => String(absorbed) },
  {
    title: 'refreshes / expiries',
    text: ({ refreshes, expiries }) => `${refreshes} / ${expiries}`,
    bad: ({ refreshes, expiries }) => refreshes > expiries,
  },
  { title: 'refreshes refused', text: ({ refused }) => String(refused), bad: ({ refused }) => refused > 0 },
  { title: 'p50', text: ({ p50 }) => milliseconds(p50) },
  { title: 'p95', text: ({ p95 }) => milliseconds(p95) },
  {
    title: 'login',
    text: ({ lostAt }) => (lostAt === undefined ? 'kept' : `lost at ${seconds(lostAt)}`),
    bad: ({ lostAt }) => lostAt !== undefined,
  },
]

const TITLE_WIDTH = 22
const COLUMN_WIDTH = 18

/** The results as an aligned table. */
export function table(results: Results): string {
  const columns = [results.unknown, results.known, results.handWritten]
  const line = (title: string, cells: string[], styleOf?: (index: number) => Style | undefined): string =>
    `  ${title.padEnd(TITLE_WIDTH)}${cells.map((cell, index) => styled(cell.padStart(COLUMN_WIDTH), styleOf?.(index))).join('')}`
  return [
    line('', ['llm-refresh', 'llm-refresh', 'hand-written'], () => 'bold'),
    line('', ['expiry unknown', 'expiry known', 'refresh on 401'], () => 'dim'),
    ...ROWS.map(({ title, text, bad }) =>
      line(title, columns.map(text), (index) => {
        const summary = columns[index]
        return summary && bad?.(summary) ? 'red' : undefined
      }),
    ),
  ].join('\n')
}

/** What the table means, in one sentence. */
export function conclusion({ unknown, known, handWritten }: Results, reason: string | undefined): string {
  const total = unknown.done + known.done + unknown.failed + known.failed
  if (unknown.failed + known.failed > 0) {
    return `${unknown.failed + known.failed} of ${total} chats through llm-refresh failed: ${reason ?? 'no reason given'}`
  }
  if (!keptPromise(unknown) || !keptPromise(known)) {
    return 'llm-refresh made more than one refresh for an expiry.'
  }
  const ours = `All ${total} chats through llm-refresh were answered, with one refresh for each of ${unknown.refreshes + known.refreshes} expiries`
  const { failed, done, lostAt } = handWritten
  return lostAt === undefined
    ? `${ours};\nthe hand-written wrapper was lucky this time.`
    : `${ours};\nthe hand-written wrapper lost its login after ${seconds(lostAt)}, and ${failed} of its ${failed + done} chats with it.`
}

function milliseconds(time: number | undefined): string {
  return time === undefined ? '-' : `${Math.round(time)} ms`
}

/** A time in ms, as seconds. */
export function seconds(time: number): string {
  return `${(time / 1000).toFixed(1)} s`
}
