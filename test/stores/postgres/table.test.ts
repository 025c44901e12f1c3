import { expect, test } from 'vitest'
import { inspectPostgresStore, postgresStore } from '../../../src/stores/postgres/index.ts'
import type { PostgresTable } from '../../../src/stores/postgres/table.ts'
import type { Row, Taken } from '../../../src/stores/shared/lease-table.ts'
import { refusesAll } from '../poisoned.ts'
import { newTable, poolOf, tableOf, withPostgres } from './world.ts'

const row = (revision: number, name = 'token'): Row => ({ revision, text: `${name} ${revision}` })

await withPostgres((server) => {
  interface World {
    readonly table: PostgresTable
    /** Lets the lease of the key be over. */
    readonly expire: () => Promise<void>
    readonly fence: () => Promise<number>
    /** Sets columns of the row. */
    readonly set: (columns: string) => Promise<void>
  }

  async function world(lease = 60_000): Promise<World> {
    const [pool, name] = [poolOf(server), await newTable(server)]
    const set = async (columns: string): Promise<void> => {
      await pool.query(`UPDATE ${name} SET ${columns}`)
    }
    return {
      table: tableOf(pool, name, lease),
      set,
      expire: () => set(`until = clock_timestamp() - interval '1 microsecond'`),
      fence: async () =>
        Number((await pool.query<{ fence: string }>(`SELECT fence FROM ${name}`)).rows[0]?.fence),
    }
  }

  async function lock(table: PostgresTable, owner: string): Promise<Taken & { type: 'lock' }> {
    const taken = await table.take('me', owner, undefined, true)
    if (taken.type !== 'lock') throw new Error(`${owner} got no lock.`)
    return taken
  }

  test('given a held lock, then others learn for how long it is held', async () => {
    const { table } = await world()
    expect(await lock(table, 'a')).toMatchObject({ abandoned: false, row: undefined })
    const held = await table.take('me', 'b', undefined, true)
    expect(held).toEqual({ type: 'held', remaining: expect.closeTo(60_000, -4) })
    await table.free('me', 'b', false)
    expect(await table.take('me', 'b', undefined, true)).toMatchObject({ type: 'held' })
    await table.free('me', 'a', false)
    expect(await lock(table, 'b')).toMatchObject({ abandoned: false })
  })

  test.each([0, 1, 2])('given many that want a new key’s lock at once, then one gets it (%d)', async () => {
    const { table } = await world()
    const owners = Array.from({ length: 8 }, (_, n) => `owner ${n}`)
    const taken = await Promise.all(owners.map((owner) => table.take('me', owner, undefined, true)))
    expect(taken.map(({ type }) => type).toSorted()).toEqual([
      ...Array.from({ length: 7 }, () => 'held'),
      'lock',
    ])
  })

  test('given one lock after another, then their numbers rise, and are at least epoch ms', async () => {
    const { table, set, fence } = await world()
    const began = Date.now()
    let before = began - 60_000
    for (const owner of ['a', 'b', 'c']) {
      const { number } = await lock(table, owner)
      expect(number).toBeGreaterThan(before)
      before = number
      await table.free('me', owner, false)
    }
    // A clock that was set back, and a record that came from elsewhere.
    await set(`fence = ${2 ** 52}`)
    expect((await lock(table, 'd')).number).toBe(2 ** 52 + 1)
    await table.free('me', 'd', false)
    await set(`revision = ${2 ** 52 + 10}, record = 'token'`)
    expect((await lock(table, 'e')).number).toBe(2 ** 52 + 11)
    expect(await fence()).toBe(2 ** 52 + 11)
  })

  test('given a table that was lost, then numbers go on rising', async () => {
    const { table } = await world()
    const { number } = await lock(table, 'a')
    const again = (await world()).table
    expect((await lock(again, 'b')).number).toBeGreaterThanOrEqual(number)
  })

  test('given a record that is newer than the caller knows, then the caller gets `newer`, even while the lock is held', async () => {
    const { table } = await world()
    const { number } = await lock(table, 'a')
    await table.write('me', 'a', row(number))
    expect(await table.take('me', 'b', number - 1, true)).toEqual({ type: 'newer' })
    expect(await table.take('me', 'b', number, true)).toMatchObject({ type: 'lock', row: row(number) })
    expect(await table.take('me', 'c', number - 1, true)).toEqual({ type: 'newer' })
    expect(await table.take('me', 'c', number, true)).toMatchObject({ type: 'held' })
    // Whoever has it is told that it has it, however often it asks.
    expect(await table.take('me', 'b', number - 1, true)).toMatchObject({ type: 'lock' })
  })

  test('[S4] given a holder that vanished, then the next holders are told until a record is written', async () => {
    const { table, expire } = await world()
    await lock(table, 'a')
    await expire()
    // Those who give the lock back without having written, or vanish, too, pass it on.
    expect(await lock(table, 'b')).toMatchObject({ abandoned: true })
    await table.free('me', 'b', false)
    const carried = await lock(table, 'c')
    expect(carried).toMatchObject({ abandoned: true })
    await expire()
    const last = await lock(table, 'd')
    expect(last).toMatchObject({ abandoned: true })
    await table.write('me', 'd', row(last.number))
    expect(await lock(table, 'e')).toMatchObject({ abandoned: false })
  })

  test('[S4] given a holder that writes late, then its record replaces no newer one, and is kept if there is none', async () => {
    const { table, expire } = await world()
    const late = await lock(table, 'late')
    await expire()
    const next = await lock(table, 'next')
    expect(await table.extend('me', 'late', late.number)).toBe(false)
    // It was received, and nothing newer is there: kept, and the lock stays with whoever has it.
    expect((await table.write('me', 'late', row(late.number))).row).toEqual(row(late.number))
    expect(await table.read('me')).toEqual(row(late.number))
    expect(await table.extend('me', 'next', next.number)).toBe(true)
    await table.free('me', 'late', false)
    expect(await table.take('me', 'other', undefined, true)).toMatchObject({ type: 'held' })

    expect((await table.write('me', 'next', row(next.number))).row).toEqual(row(next.number))
    expect((await table.write('me', 'late', row(late.number, 'again'))).row).toEqual(row(next.number))
    expect(await table.read('me')).toEqual(row(next.number))
  })

  test('[S4] given a holder that vanished, when the holder before it writes late, then the lock is still abandoned', async () => {
    const { table, expire } = await world()
    const late = await lock(table, 'late')
    await expire()
    await lock(table, 'vanishes')
    await table.write('me', 'late', row(late.number))
    await expire()
    expect(await lock(table, 'next')).toMatchObject({ abandoned: true, row: row(late.number) })
  })

  test('given a lease that is over, when it is extended, then it runs again, unless another owner has the lock', async () => {
    const { table, expire } = await world()
    const { number } = await lock(table, 'a')
    await expire()
    expect(await table.extend('me', 'a', number)).toBe(true)
    expect(await table.take('me', 'b', undefined, true)).toMatchObject({ type: 'held' })
    await expire()
    await lock(table, 'b')
    expect(await table.extend('me', 'a', number)).toBe(false)
  })

  test('[S4] given a statement whose response was lost, when it is repeated, then it does no harm', async () => {
    const { table, expire, fence } = await world()
    await lock(table, 'vanishes')
    await expire()
    const taken = await lock(table, 'a')
    // Extended, too: it may have been over.
    await expire()
    expect(await lock(table, 'a')).toEqual(taken)
    expect(await table.take('me', 'b', undefined, true)).toMatchObject({ type: 'held' })
    const extended = [
      await table.extend('me', 'a', taken.number),
      await table.extend('me', 'a', taken.number),
    ]
    expect(extended).toEqual([true, true])

    const written = row(taken.number)
    expect((await table.write('me', 'a', written)).row).toEqual(written)
    const next = await lock(table, 'b')
    expect((await table.write('me', 'a', written)).row).toEqual(written)
    expect(await table.extend('me', 'b', next.number)).toBe(true)
    await table.write('me', 'b', row(next.number))
    expect((await table.write('me', 'a', written)).row).toEqual(row(next.number))
    expect(await fence()).toBe(next.number)

    await lock(table, 'c')
    await table.free('me', 'c', false)
    const { number } = await lock(table, 'd')
    await table.free('me', 'c', false)
    expect(await table.extend('me', 'd', number)).toBe(true)
  })

  test('given a row that was lost, then a write makes it again', async () => {
    const { table } = await world()
    expect((await table.write('me', 'a', row(7))).row).toEqual(row(7))
    expect(await table.read('me')).toEqual(row(7))
    expect(await lock(table, 'b')).toMatchObject({ row: row(7), abandoned: false })
  })

  test('given no write, then there is no record', async () => {
    const { table } = await world()
    await lock(table, 'a')
    expect(await table.read('me')).toBeUndefined()
    await table.free('me', 'a', false)
    expect(await table.read('me')).toBeUndefined()
  })

  test.each(
    ['9007199254740992', '9223372036854775807', '-1', "'NaN'", '1.5', 'NULL'].flatMap((number) => [
      ['revision', number],
      ['fence', number],
    ]),
  )(
    '[S6, K13] given a %s of %s, when any statement runs, then the error says what to do, and nothing is changed',
    async (column, number) => {
      const [pool, name] = [poolOf(server), await newTable(server)]
      // Another program has changed the table, too.
      await pool.query(`ALTER TABLE ${name} ALTER ${column} TYPE numeric, ALTER ${column} DROP NOT NULL`)
      await pool.query(
        `INSERT INTO ${name} VALUES ('me', 7, 'a record', now(), 7, 'holder', now() - interval '1 h', false), ('you', 7, 'a record', now(), 7, NULL, NULL, false)`,
      )
      await pool.query(`UPDATE ${name} SET ${column} = ${number} WHERE key = 'me'`)
      const table = tableOf(pool, name)
      const kept = async (): Promise<unknown> =>
        (await pool.query(`SELECT ${name}::text FROM ${name} WHERE key = 'me'`)).rows
      await refusesAll(
        table,
        'me',
        kept,
        /^The record of "me" in the table \w+ .* below 2\^53.*delete the row/,
      )
      expect(await inspectPostgresStore(pool, { table: name })).toMatchObject([
        { key: 'me', state: 'unreadable', problem: { code: 'store_invalid' } },
        { key: 'you', state: 'unreadable', problem: { message: expect.stringContaining('is damaged') } },
      ])
    },
  )

  test('[S6, K13] given the highest number, when a lock or a login wants the next one, then it fails, and nothing is changed', async () => {
    const { table, set, fence } = await world()
    await table.write('me', 'a', row(1))
    await set(`fence = ${2 ** 53 - 1}`)
    const invalid = { code: 'store_invalid' }
    await expect(table.take('me', 'a', undefined, true)).rejects.toMatchObject(invalid)
    await expect(table.swap('me', 1, 'new')).rejects.toMatchObject(invalid)
    expect([await fence(), await table.read('me')]).toEqual([2 ** 53 - 1, row(1)])
  })

  test('[S4, S10] given a holder that vanished and a server whose clock was set back an hour, when a lease has passed, then a waiter gets its lock, but not the lock of a holder whose lease is nine times as long', async () => {
    const { table, set } = await world(10_000)
    await table.take('me', 'a', undefined, false)
    await set(`until = clock_timestamp() + interval '1 hour'`)
    expect(await table.take('me', 'b', undefined, false)).toEqual({ type: 'held', remaining: 0 })
    expect(await table.take('me', 'b', undefined, true)).toMatchObject({ type: 'lock', abandoned: true })
    await set(`until = clock_timestamp() + interval '90 s'`)
    expect(await table.take('me', 'c', undefined, true)).toMatchObject({ type: 'held' })
  })

  test.each(["'infinity'", "'-infinity'", "'0044-03-15 BC'", 'NULL', "now() + interval '90 years'"])(
    '[S4, S6] given a lease until %s, when accounts are inspected or a lock is acquired, then both succeed',
    async (until) => {
      const [pool, name] = [poolOf(server), await newTable(server)]
      const store = postgresStore(pool, { table: name })
      await store.update('you', async () => ({ token: { accessToken: 'access-1' } }))
      await pool.query(
        `INSERT INTO ${name} VALUES ('me', 0, NULL, NULL, 7, 'gone', ${until}, false), ('old', 7, '', ${until}, 7, NULL, NULL, false)`,
      )
      const entries = await inspectPostgresStore(pool, { table: name })
      const isOdd = /infinity|BC/.test(until)
      expect(entries.map(({ key, state }) => [key, state])).toEqual([
        ['me', isOdd ? 'unreadable' : 'empty'],
        ['old', 'unreadable'],
        ['you', 'stored'],
      ])
      if (isOdd) expect(entries[0]?.problem?.message).toMatch(/set that column to NULL/)
      const table = tableOf(pool, name)
      expect(await table.take('me', 'a', undefined, false)).toEqual({ type: 'held', remaining: 0 })
      expect(await table.take('me', 'a', undefined, true)).toMatchObject({ type: 'lock', abandoned: true })
    },
  )
})
