import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'

const source = fileURLToPath(new URL('../../src/', import.meta.url))

/** Safari supports lookbehinds since 16.4. An older Safari cannot load a file that holds one. */
const LOOKBEHIND = /\(\?<[=!]/

test('given the built files, when their regular expressions are read, then none uses a lookbehind', async () => {
  const files = (await readdir(source, { recursive: true })).filter((name) => name.endsWith('.ts'))
  expect(files.some((name) => /sources.oauth.device\.ts$/.test(name))).toBe(true)
  const holding: string[] = []
  for (const name of files)
    if (LOOKBEHIND.test(await readFile(join(source, name), 'utf8'))) holding.push(name)
  expect(holding).toEqual([])
  expect('/(?<=a)b/ /(?<!a)b/').toMatch(LOOKBEHIND)
})
