import { defineConfig } from 'vitest/config'

export default defineConfig({
  test: {
    root: import.meta.dirname,
    include: ['test/**/*.test.ts'],
    // A test that hangs has failed: nothing here waits for real time.
    testTimeout: 20_000,
    // Examples are processes of their own, which load large packages.
    maxConcurrency: 2,
  },
})
