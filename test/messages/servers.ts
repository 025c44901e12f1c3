import { ASKERS, responding } from '../sources/askers.ts'
import { allCasesOf } from '../sources/server-kinds.ts'
import { SERVERS } from '../sources/servers.ts'
import { ManualClock } from '../support/manual-clock.ts'
import { inTime } from './in-time.ts'
import type { Situation } from './situation.ts'

const ASKED = new Set(['refresh token', 'client credentials'])
/** Between them they respond in every way that has a message of its own. */
const ASKING = new Set(['any server', 'Entra ID', 'Okta', 'Slack', 'GitHub', 'Bitbucket'])

/** Authorization servers, as they respond. */
export const SERVER_SITUATIONS: readonly Situation[] = SERVERS.filter(({ name }) => ASKING.has(name)).flatMap(
  (server) =>
    allCasesOf(server)
      .filter(({ means, responds }) => means !== 'token' && responds.after === undefined)
      .flatMap((each) =>
        ASKERS.filter(({ name }) => ASKED.has(name)).map(({ name, ask }) => ({
          when: `${server.name} responds: ${each.when} (${name})`,
          bring: async () => {
            const clock = new ManualClock()
            return inTime(clock, ask(responding(() => each.responds, clock).fetch, clock))
          },
        })),
      ),
)
