import { statSync } from 'node:fs'
import { defineConfig } from 'vitest/config'
import { BaseSequencer, type TestSpecification } from 'vitest/node'

/** These wait for real processes and servers. */
const WAITING = [
  'test/fleet/**/*.test.ts',
  'test/runtimes/**/*.test.ts',
  'test/demo.test.ts',
  'test/proxy/browser.test.ts',
]
/** These wait, too. The files of a worker share its modules, its PostgreSQL, and the threads that run commands. */
const SERVED = [
  'test/cli/**/*.test.ts',
  'test/mcp-conformance/conformance.test.ts',
  'test/stores/postgres/*.test.ts',
  'test/stores/{redis*,max-locks}.test.ts',
  'test/credential/driver-cause.test.ts',
]
/** Of those that wait, these take longest. */
const LONG =
  /\/(?:fleet\/|postgres\/hanging|driver-cause|pages|cli\/stores|cli\/token|cli\/login|demo|runtimes\/workerd)/
/** Of those that work, these take longest. */
const LARGE =
  /\/(?:docs|sources\/(?:hostile|servers|command)|credential\/(?:expiries|pool)|stores\/file-neighbours|package\/(?:built|types))\.test/
/** These load several versions of a package, or one that keeps state: each has a process of its own. */
const APART = [
  'test/surfaces/ai-sdk/**/*.test.ts',
  'test/sources/cloud*.test.ts',
  'test/support/servers.test.ts',
  // It subscribes to the channel that all events of a process go to.
  'test/observe/canaries.test.ts',
]

/** What waits begins first, and what works fills the time that it leaves. Of each kind the largest files come first. */
class WaitingFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const rank = ({ project, moduleId }: TestSpecification): number => {
      if (LONG.test(moduleId)) return 0
      const place = ['waits', 'served', 'apart', 'unit'].indexOf(project.name)
      return LARGE.test(moduleId) ? 2.5 : place + 1
    }
    const sizes = new Map(files.map(({ moduleId }) => [moduleId, statSync(moduleId).size]))
    const sizeOf = ({ moduleId }: TestSpecification): number => sizes.get(moduleId) ?? 0
    return files.toSorted((one, other) => rank(one) - rank(other) || sizeOf(other) - sizeOf(one))
  }
}

export default defineConfig({
  test: {
    globalSetup: 'test/support/install.ts',
    setupFiles: 'test/support/end-with-run.ts',
    // A test that hangs has failed: nothing here waits for real time.
    testTimeout: 180_000,
    hookTimeout: 180_000,
    expect: { poll: { timeout: 120_000 } },
    // Half of the tests wait for processes and servers most of the time, so a small machine of two cores serves four workers.
    maxWorkers: 4,
    maxConcurrency: 4,
    sequence: { sequencer: WaitingFirst },
    projects: [
      {
        extends: true,
        test: {
          name: 'unit',
          include: ['test/**/*.test.ts'],
          exclude: [...WAITING, ...SERVED, ...APART],
          // A process for each file took longer than its tests.
          isolate: false,
        },
      },
      { extends: true, test: { name: 'apart', include: APART } },
      { extends: true, test: { name: 'waits', include: WAITING } },
      { extends: true, test: { name: 'served', include: SERVED, isolate: false } },
    ],
  },
})
