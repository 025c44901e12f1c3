import { readFile } from 'node:fs/promises'
import { expect, test } from 'vitest'

/** Messages without a situation that leads to them. A new message has one: this number only falls. */
const WITHOUT = 284

test('[E1] given the page of messages, then no more of them have no situation than had none before', async () => {
  const page = await readFile(new URL('../../docs/messages.md', import.meta.url), 'utf8')
  const [listed, shown] = [/^- /gm, /^\| (?!situation|---)/gm].map((form) => page.match(form)?.length)
  expect(listed).toBeLessThanOrEqual(WITHOUT)
  expect(shown).toBeGreaterThan(120)
})
