import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'

test('given the published package, when it is installed, then no script of ours runs', async () => {
  const text = await readFile(join(import.meta.dirname, '..', 'package.json'), 'utf8')
  const { scripts } = JSON.parse(text) as { scripts: Record<string, string> }
  // npm runs these scripts at an install, and warns about them.
  for (const name of ['preinstall', 'install', 'postinstall', 'preprepare', 'prepare', 'postprepare']) {
    expect(scripts).not.toHaveProperty(name)
  }
  expect(scripts['prepack']).toContain('build')
})
