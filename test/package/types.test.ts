import { join } from 'node:path'
import { expect, test } from 'vitest'
import { COMPILERS, Consumer } from './compile.ts'

const root = join(import.meta.dirname, '../..')

// The trial `types` runs every compiler, platform and resolution.
test('[R1] given the oldest compiler and Node without the DOM library, when a program uses every public name, then the published types compile', async () => {
  const consumer = await Consumer.of('Node 22', root, join(import.meta.dirname, 'consumer.ts'))
  expect(await consumer.errors(Object.keys(COMPILERS)[0] ?? '', 'nodenext')).toEqual([])
}, 120_000)
