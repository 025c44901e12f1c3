import { defineConfig } from 'vitest/config'

/** These wait for real processes and servers. */
const WAITING = [
  'test/cli/**/*.test.ts',
  'test/fleet/**/*.test.ts',
  'test/mcp-conformance/conformance.test.ts',
  'test/stores/{postgres,redis}*/**/*.test.ts',
  'test/stores/redis*.test.ts',
  'test/runtimes/**/*.test.ts',
  'test/credential/driver-cause.test.ts',
  'test/demo.test.ts',
]
/** These load several versions of a package, or one that keeps state: each has a process of its own. */
const APART = [
  'test/surfaces/ai-sdk/**/*.test.ts',
  'test/sources/cloud*.test.ts',
  'test/support/servers.test.ts',
  'test/package/**/*.test.ts',
]

export default defineConfig({
  test: {
    globalSetup: 'test/support/install.ts',
    // A test that hangs has failed: nothing here waits for real time.
    testTimeout: 60_000,
    maxWorkers: 2,
    projects: [
      {
        extends: true,
        test: {
          name: 'unit',
          include: ['test/**/*.test.ts'],
          exclude: [...WAITING, ...APART],
          // A process for each file took longer than its tests.
          isolate: false,
        },
      },
      { extends: true, test: { name: 'apart', include: APART } },
      { extends: true, test: { name: 'waits', include: WAITING } },
    ],
  },
})
