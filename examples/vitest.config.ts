import { defineConfig } from 'vitest/config'

export default defineConfig({
  test: {
    root: import.meta.dirname,
    include: ['test/**/*.test.ts'],
    // No test waits for real time, so a test that takes this long hangs.
    testTimeout: 20_000,
    // Each example runs in its own process, and loads large packages.
    maxConcurrency: 2,
  },
})
