import { expect, test } from 'vitest'
import { parseSnapshot } from '../../src/models/parse.ts'
import { snapshot } from '../../src/models/snapshot.ts'

const providers = parseSnapshot(snapshot)
const models = [...providers].flatMap(([provider, table]) =>
  [...table].map(([id, facts]) => ({ provider, id, facts })),
)

test('given the snapshot, when its facts are checked, then each is sound', () => {
  expect(models.length).toBeGreaterThan(500)
  const unsound = models.filter(
    ({ facts }) =>
      !(Number.isSafeInteger(facts.maxOutputTokens) && facts.maxOutputTokens > 0) ||
      !(Number.isSafeInteger(facts.contextWindow) && facts.contextWindow >= facts.maxOutputTokens),
  )
  expect(unsound).toEqual([])
})

test('given the snapshot, when its inputs are read, then no model lists documents, because the data file does not mention them', () => {
  expect(models.filter(({ facts }) => facts.input.includes('document'))).toEqual([])
})

test('given the snapshot, when its ids are counted, then no provider and no id of a provider occurs twice', () => {
  const names = snapshot.split('\n').filter((line) => /^(?: {2})?\S/.test(line))
  expect(names).toHaveLength(models.length + providers.size)
})

test('given the snapshot, when its size is measured, then it is less than 48 KiB', () => {
  expect(new TextEncoder().encode(snapshot).length).toBeLessThan(48 * 1024)
})
