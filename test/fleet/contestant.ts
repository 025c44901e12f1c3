// Takes the locks of a store again and again, and mostly dies while it holds them: as a process would, as far as the others can see.
import { mkdirSync, unlinkSync, writeFileSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { FileBackend } from '../../src/stores/file/backend.ts'
import type { Machine } from '../../src/stores/file/machine.ts'
import { ExclusiveStore } from '../../src/stores/shared/exclusive-store.ts'
import { LeasedBackend } from '../../src/stores/shared/leased-backend.ts'
import { changed, openTable, type Place } from './place.ts'

/** What a contestant is told. */
export interface Contest {
  readonly place: Place
  readonly folder: string
  readonly deaths: number
  /** How many accounts are contested side by side. */
  readonly keys: number
  /** ms */
  readonly lease: number
}

/** When somebody was inside under a lock that was surely good, in ms of a clock that all processes of a machine share. */
export interface Stay {
  readonly key: number
  readonly from: number
  readonly until: number
}

/** What a contestant tells. */
export interface Told {
  readonly stays: readonly Stay[]
  readonly deaths: number
  readonly pauses: number
  readonly abandoned: number
}

/** A life: what others see of it ends when it dies. */
interface Life {
  readonly store: ExclusiveStore
  readonly die: () => void
}

const [contest = '', name = ''] = process.argv.slice(2)
const { place, folder, deaths, keys, lease } = JSON.parse(contest) as Contest
const locking = { lease, timeout: 60_000 }
const told = { stays: [] as Stay[], deaths: 0, pauses: 0, abandoned: 0 }
let entries = 0
const now = (): number => Number(process.hrtime.bigint()) / 1e6

/** Others see it as a process that began then: for each account as another. */
function amongFiles(path: string): (key: number, life: number) => Life {
  const living = join(folder, 'living')
  mkdirSync(living, { recursive: true })
  return (key, life) => {
    const [pid, start] = [Number(name) * keys + key + 1, `${name}.${life}`]
    const mine = join(living, String(pid))
    writeFileSync(mine, start)
    const machine: Machine = {
      host: 'one',
      boot: 'boot',
      namespace: 'namespace',
      pid,
      start,
      startOf: (other) => readFile(join(living, String(other)), 'utf8').catch(() => null),
    }
    const backend = new FileBackend({ path, lease, machine: async () => machine })
    return { store: new ExclusiveStore(backend, locking), die: () => unlinkSync(mine) }
  }
}

/** Others see no sign of life any more. */
async function byServer(at: Exclude<Place, { kind: 'files' }>): Promise<() => Life> {
  const { table } = await openTable(at, lease)
  return () => {
    let isDead = false
    const mortal = changed(table, {
      extend: async (key, owner, number) =>
        isDead ? new Promise(() => undefined) : table.extend(key, owner, number),
    })
    const store = new ExclusiveStore(new LeasedBackend(mortal, locking), locking)
    return { store, die: () => (isDead = true) }
  }
}

/** Stops all of this process, heartbeats too, for just less than its lease. */
function pause(): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, lease * 0.6)
  told.pauses++
}

// It ends with the process that started it.
process.stdin.on('close', () => process.exit()).resume()

const liveOn = place.kind === 'files' ? amongFiles(place.path) : await byServer(place)

async function compete(key: number): Promise<void> {
  for (let life = 0; told.deaths < deaths; life++) {
    const { store, die } = liveOn(key, life)
    await new Promise<void>((over) => {
      const update = store.update(String(key), async (current, { abandoned, confirm }) => {
        const sure = now()
        await confirm?.()
        const from = now()
        if (abandoned) told.abandoned++
        if (++entries % Math.ceil(deaths / 2) === 0) pause()
        await new Promise((resolve) => setImmediate(resolve))
        // So long a lock is good after it was made sure of, but for a moment that clocks may differ.
        told.stays.push({ key, from, until: Math.min(now(), sure + lease * 0.75) })
        if (life % 10 === 0)
          return { token: { accessToken: String(Number(current?.token?.accessToken ?? 0) + 1) } }
        die()
        told.deaths++
        over()
        return new Promise(() => undefined)
      })
      // It may be told that it has lost its lock: then it does not come in.
      update.catch(() => undefined).finally(over)
    })
  }
}

await Promise.all(Array.from({ length: keys }, (_, key) => compete(key)))
process.stdout.write(JSON.stringify(told satisfies Told), () => process.exit())
