import { setMaxListeners } from 'node:events'
import { startEmbedded } from './embedded.ts'
import { endWithParent } from './ending.ts'
import { runLane } from './lane.ts'
import { HELP, parseOptions, UsageError } from './options.ts'
import { startProgress } from './progress.ts'
import { chatWithReal } from './real.ts'
import { conclusion, table } from './report.ts'
import { styled } from './styled.ts'
import { keptPromise, summarize } from './summary.ts'
import { showTools } from './tools.ts'

const out = process.stdout

/** How many token lives the chats are spread over: three expiries, and a little. */
const LIVES = 3.4

endWithParent()
try {
  process.exitCode = await main(process.argv.slice(2))
} catch (error) {
  if (!(error instanceof UsageError)) throw error
  process.stderr.write(`${error.message}\n`)
  process.exitCode = 2
}

async function main(args: readonly string[]): Promise<number> {
  const options = parseOptions(args)
  switch (options.mode) {
    case 'help':
      out.write(`${HELP}\n`)
      return 0
    case 'real':
      return chatWithReal(options, out)
    case 'embedded':
      return compare(options.chats, options.tokenSeconds)
  }
}

/** Runs the chats in all three lanes side by side, then tools of other languages behind the proxy. Exit code 1: llm-refresh did not keep its promise. */
async function compare(chats: number, leastSeconds: number): Promise<number> {
  const embedded = await startEmbedded({ chats, leastSeconds, lives: LIVES })
  const { lanes, tokenSeconds, busy } = embedded
  const life = tokenSeconds * 1000
  out.write(
    `${styled(`${chats} chats`, 'bold')} with Anthropic, OpenAI and Google clients that share one login. Its access ` +
      `token lives ${tokenSeconds} s,\nand using a refresh token twice ends the login. Beside them, half as many ` +
      'chats with the usual\nhand-written wrapper: on a 401, refresh and try again.\n\n' +
      `  measured: a chat keeps this machine busy for ${busy.toFixed(1)} ms, so ` +
      (tokenSeconds > leastSeconds
        ? `tokens live ${tokenSeconds} s here, not ${leastSeconds} s.\n\n`
        : `tokens of ${tokenSeconds} s will do.\n\n`),
  )
  const progress = startProgress([lanes.unknown, lanes.known, lanes.handWritten], out)
  try {
    // For what hangs. A machine that is slow gets the time that it needs.
    const schedule = { span: LIVES * life, signal: AbortSignal.timeout(2 * LIVES * life + 60_000) }
    setMaxListeners(0, schedule.signal) // all chats listen to it
    const showcase = { from: life, onPiece: progress.piece, onEnd: progress.pieceEnd }
    await Promise.all([
      runLane(lanes.unknown, schedule, showcase),
      runLane(lanes.known, schedule),
      runLane(lanes.handWritten, schedule),
    ])
  } finally {
    progress.stop()
    await embedded.close()
  }
  const results = {
    unknown: summarize(lanes.unknown, life),
    known: summarize(lanes.known, life),
    handWritten: summarize(lanes.handWritten, life),
  }
  const [reason] = [...lanes.unknown.failures, ...lanes.known.failures]
  out.write(`\n${table(results)}\n\n${conclusion(results, reason)}\n`)
  const areServed = await showTools(out)
  return areServed && keptPromise(results.unknown) && keptPromise(results.known) ? 0 : 1
}
