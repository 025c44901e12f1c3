// Updates of stores, by a process that stops in all of them, in each at its own step, and waits there to be killed.
import { open, type Place } from './place.ts'

/** What a victim is told. */
export interface Victim {
  readonly place: Place
  readonly stops: readonly Stop[]
}

export interface Stop {
  /** The step at which it stops. */
  readonly last: string
  readonly keys: readonly string[]
}

const { place, stops } = JSON.parse(process.argv[2] ?? '') as Victim

// It ends with the process that started it.
process.stdin.on('close', () => process.exit()).resume()

let left = stops.reduce((sum, { keys }) => sum + keys.length, 0)
await Promise.all(stops.map(begin))

async function begin({ last, keys }: Stop): Promise<void> {
  const onStep = async (step: string): Promise<void> => {
    if (step !== last) return
    if (--left === 0) process.stdout.write('stopped\n')
    await new Promise(() => setInterval(() => undefined, 60_000))
  }
  const { store } = await open(place, { onStep, timeout: 60_000 })
  const update = async (key: string, tries = 5): Promise<void> => {
    try {
      await store.update(key, async () => {
        await onStep('redeemed')
        return { token: { accessToken: 'access-new', refreshToken: 'refresh-new' } }
      })
    } catch (error) {
      // On a busy machine it may lose its lock before it comes to its step.
      if (tries === 1) throw error
      return update(key, tries - 1)
    }
    await onStep('acknowledged')
  }
  for (const key of keys) void update(key)
}
