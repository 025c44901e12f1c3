import { spawnSync } from 'node:child_process'
import { afterEach, expect, test, vi } from 'vitest'
import { markFetch, rawFetch } from '../../src/core/raw-fetch.ts'
import { isInSource, runAsSource } from '../../src/core/source-context.ts'
import { fileOfSource, program } from '../support/bundle.ts'
import { processWithout } from '../support/process-without.ts'
import { settled } from '../support/settled.ts'

afterEach(() => {
  vi.unstubAllGlobals()
})

test('[F9] given a source that awaits, when it runs, then code within it is in a source, and other code is not', async () => {
  const seen: boolean[] = []
  let goOn: () => void = () => undefined
  const waiting = new Promise<void>((resolve) => (goOn = resolve))
  const running = runAsSource(async () => {
    seen.push(isInSource())
    await waiting
    seen.push(isInSource())
    return 'done'
  })
  expect(isInSource()).toBe(false)
  goOn()
  expect(await running).toBe('done')
  expect([seen, isInSource()]).toEqual([[true, true], false])
})

test('[F9] given something that outlives its source, such as a connection, when it runs later, then it is in no source', async () => {
  let later: Promise<boolean> | undefined
  let goOn: () => void = () => undefined
  const waiting = new Promise<void>((resolve) => (goOn = resolve))
  await expect(
    runAsSource(() => {
      later = waiting.then(() => isInSource())
      throw new Error('no token')
    }),
  ).rejects.toThrow('no token')
  goOn()
  expect(await later).toBe(false)
})

test('[F9] given two owners, when the source of one runs, then its code is not in the source of the other', async () => {
  const [one, other] = [{}, {}]
  const seen = await runAsSource(async () => {
    await settled()
    const within = [isInSource(one), isInSource(other), isInSource()]
    return [...within, await runAsSource(() => isInSource(one) && isInSource(other), other)]
  }, one)
  expect(seen).toEqual([true, false, true, true])
})

test('[F9] given a runtime without async contexts, when a source is called, then it runs', async () => {
  vi.resetModules()
  processWithout('getBuiltinModule')
  const fresh = await import('../../src/core/source-context.ts')
  expect(await fresh.runAsSource(() => fresh.isInSource())).toBe(false)
})

test('[F9] given a global fetch that is one of ours, when a source looks for a fetch, then it gets the one beneath', () => {
  const [beneath, one, other] = [vi.fn<typeof fetch>(), vi.fn<typeof fetch>(), vi.fn<typeof fetch>()]
  markFetch(one, beneath)
  markFetch(other, one)
  vi.stubGlobal('fetch', other)
  expect(rawFetch()).toBe(beneath)
  vi.stubGlobal('fetch', undefined)
  expect(rawFetch()).toBe(undefined)
})

test('[Z3] given a refresh that is over, when promises are made, then no hook of Node follows them', async () => {
  // A promise has a number only while a hook is enabled. In a process of its own: other tests have hooks.
  const script = await program(`
    import { executionAsyncId } from 'node:async_hooks'
    import { runAsSource } from '${fileOfSource('core/source-context.ts')}'
    const numberOfPromise = async () => {
      await Promise.resolve()
      return executionAsyncId()
    }
    const before = await numberOfPromise()
    await runAsSource(async () => runAsSource(numberOfPromise))
    console.log(before, await numberOfPromise())`)
  const ended = spawnSync(process.execPath, [script], { encoding: 'utf8', timeout: 120_000 })
  expect([ended.stderr, ended.stdout.trim(), ended.status]).toEqual(['', '0 0', 0])
})
