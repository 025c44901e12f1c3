import type { RecordContent, StoredRecord } from '../credential/store.ts'
import { ensure, equal } from './expect.ts'
import { type Case, gate, record, token } from './store-cases.ts'

const failure = { code: 'source_unavailable', terminal: false, at: 1_700_000_000_000 } as const

/** Cases of logins and logouts, which wait for no lock, and of locks that their holders abandon. */
export const replaceCases: readonly Case[] = [
  {
    name: 'given a record, when replace() gets it and returns another, then all that share the store read that',
    run: async ({ one, other, key }) => {
      let told: StoredRecord | undefined
      const first = await one.replace(key, (current) => {
        told = current
        return { token: token(1), session: 1 }
      })
      equal(told, undefined, 'current at first')
      const second = await other.replace(key, (current) => {
        told = current
        return { ...without(current), token: token(2), session: (current?.session ?? 0) + 1 }
      })
      equal(told, first, 'current')
      ensure(second.revision > first.revision, 'the revision does not rise.')
      equal(await one.read(key), second, 'read()')
      equal([second.token, second.session], [token(2), 2], 'token and session')
    },
  },
  {
    name: 'given a holder of the lock, when replace() writes, then it does not wait, and the holder cannot overwrite its record',
    run: async ({ one, other, key }) => {
      await one.update(key, async () => record(1))
      const [begun, end] = [gate(), gate()]
      const held = one.update(key, async (current) => {
        begun.open()
        await end.opened
        return { ...without(current), token: token('late') }
      })
      await begun.opened
      const replaced = [
        await other.replace(key, () => ({ token: token(2), session: 1 })),
        await one.replace(key, () => ({ token: token(3), session: 2 })),
      ]
      equal(await other.read(key), replaced[1], 'read() while the lock is held')
      end.open()
      equal(await held, replaced[1], 'what the holder is told is in force')
      equal(await one.read(key), replaced[1], 'read() afterwards')
      const next = await other.update(key, async (current) => ({ ...without(current), token: token(4) }))
      ensure(next.revision > (replaced[1]?.revision ?? 0), 'the next update does not write.')
    },
  },
  {
    name: 'given many calls of replace() at once, when they have ended, then none is lost',
    run: async ({ one, other, key }) => {
      const many = Array.from({ length: 12 }, (_, turn) =>
        (turn % 2 === 0 ? one : other).replace(key, (current) => ({
          token: token(1),
          session: (current?.session ?? 0) + 1,
        })),
      )
      const written = await Promise.all(many)
      equal((await one.read(key))?.session, 12, 'the session after 12 at once')
      equal(new Set(written.map(({ revision }) => revision)).size, 12, 'how many revisions there were')
    },
  },
  {
    name: 'given a replace() that throws, when it ends, then it rejects with that error, and writes nothing',
    run: async ({ one, other, key }) => {
      const written = await one.update(key, async () => record(1))
      const refusal = new Error('not over this one')
      const thrown: unknown = await other
        .replace(key, () => {
          throw refusal
        })
        .catch((error: unknown) => error)
      ensure(thrown === refusal, 'it does not reject with what the change has thrown.')
      equal(await one.read(key), written, 'read()')
    },
  },
  {
    name: 'given a record with a failure, when it is deleted, then the session rises, the failure is gone, and every other member stays',
    run: async ({ one, other, key }) => {
      const kept = Object.assign({ triedSeeds: ['00:11'], madeFor: { client: 'me' } }, { later: [1] })
      await one.update(key, async () => ({ ...record(1), ...kept, session: 3, failure }))
      await other.delete(key)
      const { revision: _revision, ...gone } = (await one.read(key)) ?? { revision: 0 }
      equal(gone, { ...kept, token: undefined, session: 4 }, 'the tombstone')
    },
  },
  {
    name: 'given a record with a failure and no token, when it is read, then it still has the failure',
    run: async ({ one, other, key }) => {
      const written = await one.update(key, async () => ({ token: undefined, failure }))
      equal(await other.read(key), written, 'read()')
      equal(written.failure, failure, 'the failure')
    },
  },
  {
    name: 'given an update that ends after sent() without a write, when others acquire the lock, then it is abandoned until one writes a token',
    run: async ({ one, other, key }) => {
      await one.update(key, async () => record(1))
      const unknown = new Error('no response came')
      const failed: unknown = await one
        .update(key, async (_, { sent }) => {
          sent?.()
          throw unknown
        })
        .catch((error: unknown) => error)
      ensure(failed === unknown, 'update() does not reject with what the change has thrown.')
      const told: boolean[] = []
      for (const store of [other, one]) {
        await store.update(key, async (_, { abandoned }) => {
          told.push(abandoned)
          return undefined
        })
      }
      await other.update(key, async (current, { abandoned }) => {
        told.push(abandoned)
        return { ...without(current), failure: { ...failure, abandoned: true } }
      })
      await one.update(key, async (_, { abandoned }) => {
        told.push(abandoned)
        return record(2)
      })
      await other.update(key, async (_, { abandoned }) => {
        told.push(abandoned)
        return undefined
      })
      equal(told, [true, true, true, true, false], 'abandoned, five times')
    },
  },
  {
    name: 'given callers that wait for the lock, when their signals abort, then they stop waiting, and leave no lock',
    run: async ({ one, other, key }) => {
      const [begun, end] = [gate(), gate()]
      const held = one.update(key, async () => {
        begun.open()
        await end.opened
        return record(1)
      })
      await begun.opened
      const reason = new Error('the caller has left')
      const controllers = [new AbortController(), new AbortController()]
      const waiting = [one, other].map((store, index) =>
        store
          .update(key, async () => record('never'), { signal: controllers[index]?.signal })
          .catch((error: unknown) => error),
      )
      for (const controller of controllers) controller.abort(reason)
      equal(
        (await Promise.all(waiting)).map((thrown) => thrown === reason),
        [true, true],
        'whether both reject with the reason of their signal',
      )
      end.open()
      await held
      const next = await other.update(key, async (current) => {
        equal(current?.token, token(1), 'current')
        return record(2)
      })
      equal(next.token, token(2), 'the token that the next one writes')
    },
  },
]

function without(current: StoredRecord | undefined): RecordContent {
  const { revision: _revision, ...content } = current ?? { token: undefined, revision: 0 }
  return content
}
