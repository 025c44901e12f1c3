import type { Lane } from './lane.ts'
import { seconds } from './report.ts'
import { styled } from './styled.ts'

/** Shows how the lanes are getting on, and the one answer that streams. */
export interface Progress {
  /** A piece of the shown answer. */
  readonly piece: (text: string) => void
  /** The shown answer is over. */
  readonly pieceEnd: () => void
  stop(): void
}

/** Redraws in place on a terminal that is wide enough; else one plain line a second. */
export function startProgress(lanes: readonly Lane[], out: NodeJS.WriteStream = process.stdout): Progress {
  return out.isTTY && out.columns >= LEAST_WIDTH ? liveProgress(lanes, out) : plainProgress(lanes, out)
}

/** The width that the bars need, in columns. */
const LEAST_WIDTH = 80
const BAR = 18
const ANSWER = '  one answer, as it streams: '

function liveProgress(lanes: readonly Lane[], out: NodeJS.WriteStream): Progress {
  let answer = ''
  let drawn = 0

  function draw(): void {
    const width = out.columns - 1
    const lines = lanes.map((lane) => barLine(lane))
    if (answer !== '') lines.push('', ...wrapped(ANSWER + answer, width))
    const up = drawn > 0 ? `\u001b[${drawn}A\r\u001b[J` : ''
    out.write(`${up}${lines.join('\n')}\n`)
    drawn = lines.length
  }

  draw()
  const timer = setInterval(draw, 80)
  return {
    piece: (text) => {
      answer += text
    },
    pieceEnd: () => {},
    stop: () => {
      clearInterval(timer)
      draw()
    },
  }
}

function barLine(lane: Lane): string {
  const finished = lane.done + lane.failures.length
  const full = Math.floor((BAR * finished) / lane.chats)
  const bar = '█'.repeat(full) + '░'.repeat(BAR - full)
  const counts = `${finished}/${lane.chats}`.padStart(8)
  return `  ${lane.name.padEnd(15)} ${styled(bar, lane.failures.length > 0 ? 'red' : 'green')}${counts}  ${news(lane)}`
}

/** What is worth telling of a lane besides its count. */
function news({ login, absorbed, failures, lostAt }: Lane): string {
  if (lostAt !== undefined)
    return styled(`${failures.length} failed, login lost at ${seconds(lostAt)}`, 'red')
  return `refreshes ${login.redemptions()}, 401s absorbed ${absorbed}`
}

function wrapped(text: string, width: number): string[] {
  const lines: string[] = []
  for (let rest = text; rest !== '';) {
    const cut = rest.length > width ? rest.lastIndexOf(' ', width) : rest.length
    const at = cut > 4 ? cut : width
    lines.push(rest.slice(0, at))
    const left = rest.slice(at).trimStart()
    rest = left === '' ? '' : `    ${left}`
  }
  return lines
}

function plainProgress(lanes: readonly Lane[], out: NodeJS.WriteStream): Progress {
  const started = performance.now()
  let streaming = false

  const timer = setInterval(() => {
    // A line in the middle of the answer would tear it apart.
    if (streaming) return
    const counts = lanes.map(
      ({ name, done, chats, failures }) =>
        `${name} ${done}/${chats}${failures.length > 0 ? `, ${failures.length} failed` : ''}`,
    )
    out.write(`  ${seconds(performance.now() - started)}  ${counts.join(' | ')}\n`)
  }, 1000)
  return {
    piece: (text) => {
      if (!streaming) out.write(ANSWER)
      streaming = true
      out.write(text)
    },
    pieceEnd: () => {
      if (streaming) out.write('\n')
      streaming = false
    },
    stop: () => clearInterval(timer),
  }
}
