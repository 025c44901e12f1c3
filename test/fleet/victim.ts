// One update of a store, by a process that stops at a step and waits there to be killed.
import { open, type Place } from './place.ts'

const { place, key, last } = JSON.parse(process.argv[2] ?? '') as { place: Place; key: string; last: string }

const onStep = async (step: string): Promise<void> => {
  if (step !== last) return
  process.stdout.write(`${step}\n`)
  setInterval(() => undefined, 60_000)
  await new Promise(() => undefined)
}

const { store } = await open(place, { onStep })
await store.update(key, async () => {
  await onStep('redeemed')
  return { token: { accessToken: 'access-new', refreshToken: 'refresh-new' } }
})
await onStep('acknowledged')
