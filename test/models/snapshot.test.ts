import { expect, test } from 'vitest'
import { parseSnapshot } from '../../src/models/parse.ts'
import { snapshot } from '../../src/models/snapshot.ts'

const providers = parseSnapshot(snapshot)
const models = [...providers].flatMap(([provider, table]) =>
  [...table].map(([id, facts]) => ({ provider, id, facts })),
)

test('each fact of each model is sound', () => {
  expect(models.length).toBeGreaterThan(500)
  const unsound = models.filter(
    ({ facts }) =>
      !(Number.isSafeInteger(facts.maxOutputTokens) && facts.maxOutputTokens > 0) ||
      !(Number.isSafeInteger(facts.contextWindow) && facts.contextWindow >= facts.maxOutputTokens),
  )
  expect(unsound).toEqual([])
})

test('no model takes documents, of which the source says nothing', () => {
  expect(models.filter(({ facts }) => facts.input.includes('document'))).toEqual([])
})

test('no id stands twice under a provider, and no provider twice', () => {
  const names = snapshot.split('\n').filter((line) => /^(?: {2})?\S/.test(line))
  expect(names).toHaveLength(models.length + providers.size)
})

test('it is modest: less than 48 KiB', () => {
  expect(new TextEncoder().encode(snapshot).length).toBeLessThan(48 * 1024)
})
