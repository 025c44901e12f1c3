import { CALLERS, type Outcome, type Place, withMcpStorms } from '../mcp-storms.ts'
import { type Battery, type Figure, list, seconds, setting } from './trial.ts'

const PLACES: readonly Place[] = ['files', 'Redis', 'PostgreSQL', 'authProvider']

/**
 * MCP clients in 1, 2 and 8 processes of 5 callers, while tokens of 3 s expire: over each store, and with the clients' own `authProvider`.
 * The trial installs Mastra's client. The variables `PROCESSES='1 8'`, `CLIENTS=mastra` and `STORM=60` (s) make it shorter or longer.
 */
export const mcp: Battery = (tell) =>
  withMcpStorms(async (storms) => {
    const named = process.env['CLIENTS'] ?? ''
    for (const client of storms.clients.filter((name) => name.includes(named))) {
      for (const processes of list('PROCESSES', [1, 2, 8])) {
        for (const place of PLACES) {
          const outcome = await storms.run(client, processes, place, setting('STORM', 12) * 1_000)
          tell(
            figureOf(
              outcome,
              `${client}, ${processes} × ${CALLERS} callers, ${place}`,
              place !== 'authProvider',
            ),
          )
        }
      }
    }
  })

/** @param isOurs the login lives in a store of ours. Only then the figure has a limit. */
function figureOf(outcome: Outcome, what: string, isOurs: boolean): Figure {
  const { served, failed, spared, requests, expiries, isKept, error, took } = outcome
  return {
    what,
    figure: `${served} calls served, ${failed} failed; ${spared} callers without a failure; ${requests} token requests in ${seconds(took)}; login ${isKept ? 'kept' : 'lost'}${error === undefined ? '' : `; ${error.slice(0, 120)}`}`,
    limit: isOurs ? `0 failed, at most ${expiries} requests, kept` : 'none, for comparison',
    isMet: !isOurs || (failed === 0 && served > 0 && requests <= expiries && isKept),
  }
}
