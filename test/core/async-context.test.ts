import { AsyncLocalStorage } from 'node:async_hooks'
import { expect, onTestFinished, test, vi } from 'vitest'
import { asyncContext } from '../../src/core/async-context.ts'

/** Node before 24 follows calls by a hook, which is to go when it is not needed. */
const hasHook = Number.parseInt(process.versions.node, 10) < 24

function spied() {
  const disable = vi.spyOn(AsyncLocalStorage.prototype, 'disable')
  onTestFinished(() => disable.mockRestore())
  return disable
}

test('[R2] given calls in a context, when the last one has settled, then Node’s hook is disabled', async () => {
  const disable = spied()
  const context = asyncContext<string>()
  let end: () => void = () => undefined
  const long = context?.run('one', () => new Promise<void>((resolve) => (end = resolve)))
  await context?.run('two', async () => expect(context.getStore()).toBe('two'))
  expect(disable).not.toHaveBeenCalled()
  end()
  await long
  expect(disable).toHaveBeenCalledTimes(hasHook ? 1 : 0)
  expect(disable.mock.results.every(({ type }) => type === 'return')).toBe(true)
})

test('[R2] given a platform whose context cannot be disabled, when a call in it ends, then the call settles', async () => {
  spied().mockImplementation(() => {
    throw new Error('not implemented')
  })
  await expect(asyncContext<string>()?.run('one', async () => 'done')).resolves.toBe('done')
})
