// Takes the lock of a file store again and again, and mostly dies while it holds it: as a process would, as far as the others can see.
import { mkdirSync, readFileSync, unlinkSync, writeFileSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { ExclusiveStore } from '../../src/credentials/exclusive.ts'
import { FileBackend } from '../../src/credentials/stores/file/backend.ts'
import type { Machine } from '../../src/credentials/stores/file/machine.ts'

const [folder = '', deaths = '', name = ''] = process.argv.slice(2)
const LEASE = 1_000
const witness = join(folder, 'witness')
const living = join(folder, 'living')
mkdirSync(living, { recursive: true })

const told = { doubles: 0, outstayed: 0, deaths: 0, pauses: 0, abandoned: 0 }
const now = (): number => Number(process.hrtime.bigint() / 1_000_000n)

/** A life: others see this process as one that began then. */
function liveOn(life: number): { store: ExclusiveStore; die: () => void } {
  const [place, start] = [join(living, name), `${name}.${life}`]
  writeFileSync(place, start)
  const machine: Machine = {
    host: 'one',
    boot: 'boot',
    namespace: 'namespace',
    pid: Number(name) + 1,
    start,
    startOf: (pid) => readFile(join(living, String(pid - 1)), 'utf8').catch(() => null),
  }
  const backend = new FileBackend({ path: folder, lease: LEASE, machine: async () => machine })
  const store = new ExclusiveStore(backend, { lease: LEASE, timeout: 60_000 })
  return { store, die: () => unlinkSync(place) }
}

/** An exclusive file is there for as long as somebody is inside. */
function enter(): void {
  try {
    writeFileSync(witness, String(now()), { flag: 'wx' })
  } catch {
    const since = Number(readFileSync(witness, 'utf8'))
    // It was given the lock a moment before it came in.
    told[now() - since > LEASE * 0.8 ? 'outstayed' : 'doubles']++
    writeFileSync(witness, String(now()))
  }
}

/** Stops all of this process, heartbeats too, for just less than its lease. */
function pause(): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, LEASE * 0.6)
  told.pauses++
}

for (let life = 0; told.deaths < Number(deaths); life++) {
  const { store, die } = liveOn(life)
  await new Promise<void>((over, failed) => {
    const update = store.update('key', async (current, { abandoned }) => {
      enter()
      if (abandoned) told.abandoned++
      if (life % 400 === 399) pause()
      await new Promise((resolve) => setImmediate(resolve))
      unlinkSync(witness)
      if (life % 10 === 0) return { accessToken: String(Number(current?.token?.accessToken ?? 0) + 1) }
      die()
      told.deaths++
      over()
      return new Promise(() => undefined)
    })
    update.then(() => over(), failed)
  })
}
process.stdout.write(JSON.stringify(told), () => process.exit())
