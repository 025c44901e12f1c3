import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type Battery, setting, withWorld } from './trial.ts'

/** A battery that runs test files of the suite in their long form. */
function suite(files: readonly string[], env: Readonly<Record<string, string>>, times = 1): Battery {
  return (tell) =>
    withWorld(async ({ folder }) => {
      for (let n = 1; n <= times; n++) {
        const report = join(folder, `report-${n}.json`)
        const child = spawn('npx', ['vitest', 'run', ...files, '--reporter=json', `--outputFile=${report}`], {
          stdio: ['ignore', 'ignore', 'inherit'],
          env: { ...process.env, ...env },
        })
        await once(child, 'exit')
        const { numPassedTests, numTotalTests, testResults } = JSON.parse(await readFile(report, 'utf8')) as {
          numPassedTests: number
          numTotalTests: number
          testResults: { assertionResults: { title: string; status: string }[] }[]
        }
        const failed = testResults
          .flatMap(({ assertionResults }) => assertionResults)
          .filter(({ status }) => status === 'failed')
        tell({
          what: `${files.join(', ')}${times === 1 ? '' : `, round ${n}`}`,
          figure: `${numPassedTests} of ${numTotalTests} passed${failed.map(({ title }) => `; ${title}`).join('')}`,
          limit: 'all',
          isMet: numPassedTests === numTotalTests,
        })
      }
    })
}

const long = (name: string, otherwise: number): Record<string, string> => ({
  [name]: String(setting(name, otherwise)),
})

/** `COMMANDS` commands run at once, and share one refresh. */
export const commands: Battery = suite(['test/cli/token.test.ts'], long('COMMANDS', 20))
/** Interleavings that fast-check chooses, `SCHEDULES` of each kind. */
export const schedules: Battery = suite(
  [
    'test/core/interleavings.test.ts',
    'test/credential/interleavings.test.ts',
    'test/surfaces/ai-sdk/refreshing-model-scripts.test.ts',
    'test/stores/redis-model.test.ts',
    'test/stores/postgres/model.test.ts',
  ],
  long('SCHEDULES', 20_000),
)
/** The contract of stores over PostgreSQL, with every setting of sessions and both drivers. */
export const contracts: Battery = suite(['test/stores/postgres/contract.test.ts'], { CONTRACTS: 'all' })
/** Expiries of one login under load, `EXPIRIES` of each kind. */
export const expiries: Battery = suite(['test/credential/expiries.test.ts'], long('EXPIRIES', 100))
/** Responses of every kind of authorization server, each to every kind of request. */
export const servers: Battery = suite(['test/sources/servers.test.ts'], { ASKERS: 'all' })
/** One pool with `KEYS` keys. */
export const pools: Battery = suite(['test/credential/pool.test.ts'], long('KEYS', 100_000))
/** 20 kills at each of 12 steps over files, and 12 at each of 8 steps over each server, in `KILLS` rounds. The lock is free again within 3 s. */
export const kills: Battery = suite(['test/fleet/kills.test.ts'], long('KILLS', 2))
/** 8 processes contend for abandoned locks: `TAKE_OVERS` times 160 over files and over Redis, `TAKE_OVERS` times 96 over PostgreSQL. */
export const takeOvers: Battery = suite(['test/fleet/take-overs.test.ts'], long('TAKE_OVERS', 40))
/** 8 processes of 50 callers, through `FLEETS` times 3 expiries. */
export const fleets: Battery = suite(['test/fleet/fleet.test.ts'], long('FLEETS', 4))
/** Hosts without a network, servers that stop, replicas that take over, and lost responses, with each client, `PARTITIONS` times. */
export const partitions: Battery = suite(
  ['hosts', 'failover', 'unknown-outcomes', 'outages', 'postgres-outages'].map(
    (name) => `test/fleet/${name}.test.ts`,
  ),
  long('PARTITIONS', 5),
  setting('PARTITIONS', 5),
)
/** MCP's authorization scenarios, of all revisions. */
export const conformance: Battery = suite(['test/mcp-conformance/conformance.test.ts'], { REVISIONS: 'all' })
/** Platforms that lack a global, each missing one tested alone. */
export const lacking: Battery = suite(['test/runtimes/lacking.test.ts'], { LACKING: 'each' })
/** The built package in the real workerd. */
export const workerd: Battery = suite(['test/runtimes/workerd.test.ts'], {}, setting('WORKERD', 3))
