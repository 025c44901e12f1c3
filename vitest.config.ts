import { defineConfig } from 'vitest/config'

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    globalSetup: 'test/support/install.ts',
    // A test that hangs has failed: nothing here waits for real time.
    testTimeout: 20_000,
  },
})
