import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'
import { storeContract } from '../../src/testing/index.ts'
import { built, codeOf, project } from '../support/pages.ts'

test('[S2] given the example store of the page on stores, then it passes the contract', async () => {
  const code = (await codeOf('stores/README')).at(-1) ?? ''
  const folder = await project({ 'store.mts': code })
  const { stdout, stderr } = await promisify(execFile)(process.execPath, [await built(folder, 'store.mts')], {
    cwd: folder,
  })
  expect(stderr).toBe('')
  const cases = storeContract(() => {
    throw new Error('It is only counted.')
  })
  expect(stdout.match(/^ok /gm)).toHaveLength(cases.length)
})
