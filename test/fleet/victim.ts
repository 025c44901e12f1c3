// Updates of a store, by a process that stops in all of them at a step and waits there to be killed.
import { open, type Place } from './place.ts'

/** What a victim is told. */
export interface Victim {
  readonly place: Place
  readonly keys: readonly string[]
  /** The step at which it stops. */
  readonly last: string
}

const { place, keys, last } = JSON.parse(process.argv[2] ?? '') as Victim

// It ends with the process that started it.
process.stdin.on('close', () => process.exit()).resume()

let left = keys.length
const onStep = async (step: string): Promise<void> => {
  if (step !== last) return
  if (--left === 0) process.stdout.write(`${step}\n`)
  await new Promise(() => setInterval(() => undefined, 60_000))
}

const { store } = await open(place, { onStep })
for (const key of keys) {
  const update = async (): Promise<void> => {
    await store.update(key, async () => {
      await onStep('redeemed')
      return { token: { accessToken: 'access-new', refreshToken: 'refresh-new' } }
    })
    await onStep('acknowledged')
  }
  void update()
}
