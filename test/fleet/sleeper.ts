// Updates of stores, by a process that is stopped after it has redeemed in all of them, and tells afterwards what came of each.
import { once } from 'node:events'
import { open, type Place } from './place.ts'

/** What a sleeper is told. */
export interface Sleeper {
  readonly sleeps: readonly { readonly place: Place; readonly key: string }[]
  /** ms */
  readonly lease: number
}

/** What it tells of each. */
export type Slept = readonly [confirmed: string, accessToken: string | undefined]

const { sleeps, lease } = JSON.parse(process.argv[2] ?? '') as Sleeper
const woken = once(process.stdin, 'data')
let left = sleeps.length

async function sleep({ place, key }: Sleeper['sleeps'][number]): Promise<Slept> {
  const { store } = await open(place, { lease })
  let confirmed = 'the lock is held'
  const { token } = await store.update(key, async (_, { confirm }) => {
    if (--left === 0) process.stdout.write('redeemed\n')
    await woken
    await confirm?.().catch(() => (confirmed = 'the lock is lost'))
    return { token: { accessToken: 'access-late', refreshToken: 'refresh-late' } }
  })
  return [confirmed, token?.accessToken]
}

process.stdout.write(JSON.stringify(await Promise.all(sleeps.map(sleep))), () => process.exit())
