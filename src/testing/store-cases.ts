import type { RecordContent, Store, StoredRecord } from '../credential/store.ts'
import type { AccessToken } from '../credential/token.ts'
import { ensure, equal } from './expect.ts'

/** The same store, opened twice, and a key that only this case uses. */
export interface Stores {
  readonly one: Store
  readonly other: Store
  readonly key: string
}

export interface Case {
  readonly name: string
  readonly run: (stores: Stores) => Promise<void>
}

export const token = (name: string | number): AccessToken => ({ accessToken: `contract-${name}` })

/** A record whose token shows its name. */
export const record = (name: string | number): RecordContent => ({ token: token(name) })

const whole: AccessToken = {
  accessToken: 'a "quoted" token\\with ünïcödé 🔑 and {braces}',
  tokenType: 'DPoP',
  expiresAt: 1_893_456_000_123,
  refreshToken: 'r'.repeat(64 * 1024),
  scope: 'openid offline_access',
  extra: { account: "O'Brien", empty: '', __proto: 'x', nested: { list: [1, null, true, 'x'] } },
}

/** A record with all members, and with one that only a later version knows. */
const known: RecordContent = {
  token: whole,
  session: 7,
  failure: {
    code: 'source_refused',
    terminal: false,
    at: 1_700_000_000_000,
    refused: 'ab:cd',
    abandoned: true,
  },
  madeFor: { issuer: 'https://auth.example.com', client: 'me', scope: 'a b' },
  triedSeeds: ['00:11', '22:33'],
}
const wholeRecord: RecordContent = Object.assign(known, { later: { a: [1, { b: null }] } })

const hard = ['a/b', '..', 'A', 'a', 'ключ', "it's; --", '%00', ' ', 'x'.repeat(500), '{a}b{c}', 'a\nb']

/** A promise, and the function that resolves it. */
export function gate(): { readonly opened: Promise<void>; readonly open: () => void } {
  let open = (): void => undefined
  const opened = new Promise<void>((resolve) => (open = resolve))
  return { opened, open }
}

export const cases: readonly Case[] = [
  {
    name: 'given a new key, when it is read, then there is no record',
    run: async ({ one, key }) => equal(await one.read(key), undefined, 'read()'),
  },
  {
    name: 'given a record with every member, when one process writes it, then all that share the store read it complete',
    run: async ({ one, other, key }) => {
      const written = await one.update(key, async (current) => {
        equal(current, undefined, 'current')
        return wholeRecord
      })
      equal(written, { ...wholeRecord, revision: written.revision }, 'what update() gives')
      equal(await one.read(key), written, 'read() by the writer')
      equal(await other.read(key), written, 'read() by another')
    },
  },
  {
    name: 'given several writers, when each writes or deletes, then the revision rises',
    run: async ({ one, other, key }) => {
      let before = 0
      for (const store of [one, other, one]) {
        const { revision } = await store.update(key, async () => record(before))
        ensure(revision > before, `revision ${revision} does not come after ${before}.`)
        before = revision
      }
      await other.delete(key)
      const { revision = 0 } = (await one.read(key)) ?? {}
      ensure(revision > before, `a delete leaves revision ${revision}, after ${before}.`)
    },
  },
  {
    name: 'given a record, when an update gets it and returns undefined, then the record stays',
    run: async ({ one, other, key }) => {
      equal(await one.update(key, async () => undefined), { revision: 0 }, 'update() of nothing')
      equal(await one.read(key), undefined, 'read() of nothing')
      const written = await one.update(key, async () => record(1))
      let told: StoredRecord | undefined
      const kept = await other.update(key, async (current) => {
        told = current
        return undefined
      })
      equal([told, kept, await one.read(key)], [written, written, written], 'current, update() and read()')
    },
  },
  {
    name: 'given a record, when it is deleted, then a record without a token stays, and the next write has a higher revision',
    run: async ({ one, other, key }) => {
      await one.update(key, async () => record(1))
      await one.delete(key)
      const gone = await other.read(key)
      ensure(
        gone !== undefined && gone.token === undefined,
        'the token is still there, or the record is not.',
      )
      let told: StoredRecord | undefined
      const next = await other.update(key, async (current) => {
        told = current
        return record(2)
      })
      equal(told, gone, 'current')
      ensure(next.revision > (gone?.revision ?? 0), 'the revision does not come after that of the delete.')
    },
  },
  {
    name: 'given a new key, when it is deleted, then a record without a token stays',
    run: async ({ one, other, key }) => {
      await one.delete(key)
      const gone = await other.read(key)
      ensure(gone !== undefined && gone.token === undefined && gone.revision > 0, 'there is no such record.')
    },
  },
  {
    name: 'given an update that throws, when it ends, then it rejects with that error, writes nothing and releases the lock',
    run: async ({ one, other, key }) => {
      const written = await one.update(key, async () => record(1))
      const failure = new Error('the change failed')
      const thrown: unknown = await one
        .update(key, () => Promise.reject(failure))
        .catch((error: unknown) => error)
      ensure(thrown === failure, 'update() does not reject with what the change has thrown.')
      equal(await other.read(key), written, 'read()')
      const next = await other.update(key, async () => record(2))
      ensure(next.revision > written.revision, 'the next update does not write.')
    },
  },
  {
    name: 'given many updates of a key, when they run, then only one holds the lock at a time, and each gets the record of the one before',
    run: async ({ one, other, key }) => {
      let inside = 0
      const turns = Array.from({ length: 20 }, (_, turn) =>
        (turn % 2 === 0 ? one : other).update(key, async (current) => {
          inside++
          await new Promise((resolve) => setTimeout(resolve, 1))
          equal(inside, 1, 'how many are inside at once')
          inside--
          return { token: { accessToken: String(Number(current?.token?.accessToken ?? 0) + 1) } }
        }),
      )
      await Promise.all(turns)
      equal((await one.read(key))?.token, { accessToken: '20' }, 'the token after 20 updates')
    },
  },
  {
    name: 'given an update that is running, when another process reads, then it does not wait, and gets the record from before',
    run: async ({ one, other, key }) => {
      const written = await one.update(key, async () => record(1))
      const [begun, end] = [gate(), gate()]
      const updated = one.update(key, async () => {
        begun.open()
        await end.opened
        return record(2)
      })
      await begun.opened
      const seen = [await one.read(key), await other.read(key)]
      end.open()
      equal(seen, [written, written], 'read()')
      const after = await updated
      equal(await other.read(key), after, 'read() afterwards')
    },
  },
  {
    name: 'given a waiter, when the holder releases the lock, then the waiter acquires it, and gets the new record',
    run: async ({ one, other, key }) => {
      const [begun, end] = [gate(), gate()]
      const first = one.update(key, async (_, { abandoned, signal }) => {
        equal([abandoned, signal.aborted], [false, false], 'abandoned, and signal.aborted')
        begun.open()
        await end.opened
        return record(1)
      })
      await begun.opened
      let told: StoredRecord | undefined
      const second = other.update(key, async (current, { abandoned }) => {
        equal(abandoned, false, 'abandoned')
        told = current
        return record(2)
      })
      end.open()
      equal([await first, (await second).token], [told, token(2)], 'what the waiter is told and writes')
    },
  },
  {
    name: 'given keys with any characters, when one is locked, then the others are written and read independently',
    run: async ({ one, other, key }) => {
      const keys = [...hard.map((name) => key + name), ...hard.map((name) => name + key)]
      const [begun, end] = [gate(), gate()]
      const held = one.update(key, async () => {
        begun.open()
        await end.opened
        return undefined
      })
      await begun.opened
      for (const name of keys) await other.update(name, async () => record(name))
      for (const name of keys)
        equal((await one.read(name))?.token, token(name), `read(${JSON.stringify(name)})`)
      end.open()
      await held
    },
  },
  {
    name: 'given an update that is running, when it updates another key, then both are written',
    run: async ({ one, other, key }) => {
      const outer = await one.update(key, async () => ({
        token: (await other.update(`${key} 2`, async () => record(2))).token,
      }))
      equal(outer.token, token(2), 'the token')
    },
  },
]
