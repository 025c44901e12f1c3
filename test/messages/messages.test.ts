import { readFile } from 'node:fs/promises'
import { expect, test } from 'vitest'

/** Messages that no situation leads to on every machine. A new message has one: this number only falls. */
const WITHOUT = 3

test('[E1] given the page of messages, then each has a situation and a remedy, but for those that no test can bring about', async () => {
  const page = await readFile(new URL('../../docs/messages.md', import.meta.url), 'utf8')
  const [listed, shown] = [/^- .*$/gm, /^\| (?!situation|---).*$/gm].map((form) => page.match(form) ?? [])
  expect(listed?.length).toBeLessThanOrEqual(WITHOUT)
  expect(shown?.length).toBeGreaterThan(400)
  expect(shown?.filter((row) => /\|\s*[–-]?\s*\|/.test(row))).toEqual([])
})
