import { spawn } from 'node:child_process'
import { text } from 'node:stream/consumers'
import { expect, test } from 'vitest'
import { temporaryFolder } from '../support/folder.ts'
import { bundled } from './bundle.ts'

const program = await bundled('contestant')

interface Told {
  readonly doubles: number
  readonly outstayed: number
  readonly deaths: number
  readonly pauses: number
  readonly abandoned: number
}

test('[S4] 6,000 take-overs of holders that died inside, contested by 8 processes: never two inside', async () => {
  const folder = await temporaryFolder()
  const contestants = Array.from({ length: 8 }, async (_, name) => {
    const child = spawn(process.execPath, [program, folder, '750', String(name)], {
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    return JSON.parse(await text(child.stdout)) as Told
  })
  const told = await Promise.all(contestants)
  const sum = (count: keyof Told): number => told.reduce((total, one) => total + one[count], 0)
  expect(sum('doubles')).toBe(0)
  expect(sum('deaths')).toBe(6_000)
  // The last one to die is followed by nobody; whoever followed another was told.
  expect(sum('abandoned')).toBeGreaterThanOrEqual(5_999)
  expect(sum('pauses')).toBeGreaterThan(0)
}, 300_000)
