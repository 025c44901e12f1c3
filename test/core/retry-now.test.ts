import { expect, test } from 'vitest'
import { Refreshable, RefreshError } from '../../src/index.ts'
import { ManualClock } from '../support/manual-clock.ts'

const revoked = new RefreshError('reauthentication_required', 'Log in again: the session was revoked.')

function cellThat(outcome: () => Promise<string>, reread?: () => Promise<string | undefined>) {
  const clock = new ManualClock()
  const count = { refreshes: 0 }
  const cell = new Refreshable({
    initial: 'old',
    clock,
    reread,
    refresh: () => {
      count.refreshes++
      return outcome()
    },
  })
  return { clock, cell, count }
}

test('[C6] given a cooldown, when a caller retries now, then a refresh runs at once, and its failure counts', async () => {
  let answer = (): Promise<string> => Promise.reject(new Error('down'))
  const { cell, count } = cellThat(() => answer())
  await cell.refresh({ generation: 1 }).catch(() => undefined)
  await expect(cell.retryNow()).rejects.toMatchObject({ code: 'refresh_failed' })
  await expect(cell.refresh({ generation: 1 })).rejects.toMatchObject({ retryAfterMs: 2_000 })
  expect(count.refreshes).toBe(2)

  answer = () => Promise.resolve('new')
  expect(await cell.retryNow()).toMatchObject({ value: 'new', generation: 2 })
})

test('[C7] given a terminal failure, when a retry fails in another way, then its caller gets the new failure, and the cell still holds the terminal one', async () => {
  let answer = (): Promise<string> => Promise.reject(revoked)
  const { cell, count } = cellThat(() => answer())
  await cell.refresh({ generation: 1 }).catch(() => undefined)
  answer = () => Promise.reject(new RefreshError('source_unreachable', 'down'))
  await expect(cell.retryNow()).rejects.toMatchObject({ code: 'source_unreachable' })
  await expect(cell.refresh({ generation: 1 })).rejects.toBe(revoked)
  expect(count.refreshes).toBe(2)

  answer = () => Promise.resolve('new')
  expect((await cell.retryNow()).value).toBe('new')
  expect((await cell.refresh({ generation: 1 })).value).toBe('new')
})

test('[C11] given a logout, when a caller retries now, then no refresh runs', async () => {
  const { cell, count } = cellThat(
    async () => 'resurrected',
    async () => undefined,
  )
  cell.clear()
  await expect(cell.retryNow()).rejects.toMatchObject({ code: 'credential_missing' })
  cell.clear('reread')
  await cell.retryNow().catch(() => undefined)
  expect([count.refreshes, cell.peek()]).toEqual([0, undefined])
})

test('[E1] given a refresh that the cell refuses, then the error’s message says why', async () => {
  const { cell } = cellThat(() =>
    Promise.reject(new RefreshError('source_refused', 'The client is disabled.')),
  )
  await cell.refresh({ generation: 1 }).catch(() => undefined)
  await expect(cell.refresh({ generation: 1 })).rejects.toThrow(
    /may run in 1000 ms.*The client is disabled\.$/,
  )

  const foreign = cellThat(() => Promise.reject(new TypeError('the token is s3cret')))
  await foreign.cell.refresh({ generation: 1 }).catch(() => undefined)
  const refused = await foreign.cell.refresh({ generation: 1 }).catch((error: unknown) => String(error))
  expect(refused).toMatch(/TypeError/)
  expect(refused).not.toMatch(/s3cret/)

  cell.clear()
  await expect(cell.snapshot()).rejects.toThrow(/no value.*Log in/)
})

test('[C6] given an error whose members cannot be read, when the refresh function throws it, then its callers fail at once', async () => {
  const hostile = [
    new RefreshError('source_unavailable', 'later', { retryAfterMs: 5n as unknown as number }),
    new Proxy(new RefreshError('source_unavailable', 'later'), {
      get: (target, key) => {
        if (key === 'retryAfterMs') throw new Error('hostile')
        return Reflect.get(target, key)
      },
    }),
    Object.assign(Object.create(RefreshError.prototype), { code: 5 }),
  ]
  for (const error of hostile) {
    const { cell } = cellThat(() => Promise.reject(error))
    await expect(cell.refresh({ generation: 1 })).rejects.toMatchObject({
      code: expect.stringMatching(/refresh_failed|source_unavailable/),
    })
  }
})
