// Waits for a lock that another holds, and closes its client meanwhile: nothing else may keep the process alive.
import { once } from 'node:events'
import { open, type Place } from './place.ts'

const { place, timeout } = JSON.parse(process.argv[2] ?? '') as { place: Place; timeout: number }
const { store, close } = await open(place, { timeout })
const update = store.update('me', async () => undefined)
process.stdout.write('waiting\n')
await once(process.stdin, 'data')
process.stdin.destroy()
await close()
await update.catch((error: unknown) => process.stdout.write(String(Reflect.get(Object(error), 'code'))))
