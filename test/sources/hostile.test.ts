import fc from 'fast-check'
import { expect, test } from 'vitest'
import { READERS } from './hostile-all.ts'
import type { Reader } from './hostile-reader.ts'
import { listening } from './hostile-readers.ts'

/** The tests use the same inputs each time, so that none fails by luck. The trial `hostile` uses many more, and new ones each time. */
const [RUNS, SEED] = [4_000, 20_261_127]

async function reads({ inputs, read }: Reader, numRuns: number): Promise<void> {
  const property = fc.asyncProperty(inputs, async (input) => {
    await read(input as never)
  })
  await fc.assert(property, { numRuns, seed: SEED })
}

test.each(READERS.map((reader) => [reader.name, reader] as const))(
  '[K1, K18, S6, C14, Z1] given hostile %s, when the library reads them, then the results are bounded, and each failure is a RefreshError',
  async (_, reader) => {
    await expect(reads(reader, Math.ceil((RUNS * reader.share) / 400))).resolves.toBeUndefined()
  },
)

test.each(READERS.map((reader) => [reader.name, reader] as const))(
  '[K18] given %s of an eighth of the largest size, when the library reads them, then no promise is broken',
  async (_, { large, read }) => {
    for (const [name, input] of large(1 / 8)) {
      await expect(Promise.resolve(read(input as never)), name).resolves.toBeUndefined()
    }
  },
)

test('[K18] given hostile requests to the loopback redirect, when the login receives them, then it keeps waiting', async () => {
  const { reader, end } = await listening()
  await reads(reader, 200)
  await expect(end()).resolves.toBeUndefined()
})
