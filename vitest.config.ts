import { defineConfig } from 'vitest/config'

/** Tests that wait for real processes and servers, so that several of them run at once on a core. */
const WAITING = [
  'test/fleet/**/*.test.ts',
  'test/stores/{postgres,redis}*/**/*.test.ts',
  'test/stores/redis*.test.ts',
  'test/runtimes/**/*.test.ts',
  'test/credential/driver-cause.test.ts',
  'test/demo.test.ts',
]

export default defineConfig({
  test: {
    globalSetup: 'test/support/install.ts',
    // A test that hangs has failed: nothing here waits for real time.
    testTimeout: 20_000,
    projects: [
      {
        extends: true,
        test: {
          name: 'unit',
          include: ['test/**/*.test.ts'],
          exclude: WAITING,
          maxWorkers: 2,
          // Starting a process for each file took as long as the tests.
          isolate: false,
          sequence: { groupOrder: 0 },
        },
      },
      {
        extends: true,
        test: { name: 'waits', include: WAITING, maxWorkers: 2, sequence: { groupOrder: 1 } },
      },
    ],
  },
})
