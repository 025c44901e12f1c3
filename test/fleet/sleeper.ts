// One update of a store, by a process that is stopped after it has redeemed, and tells afterwards what came of it.
import { once } from 'node:events'
import { open, type Place } from './place.ts'

const { place, lease } = JSON.parse(process.argv[2] ?? '') as { place: Place; lease: number }
const { store } = await open(place, { lease })
let confirmed = 'the lock is held'
const { token } = await store.update('me', async (_, { confirm }) => {
  process.stdout.write('redeemed\n')
  await once(process.stdin, 'data')
  await confirm?.().catch(() => (confirmed = 'the lock is lost'))
  return { token: { accessToken: 'access-late', refreshToken: 'refresh-late' } }
})
process.stdout.write(JSON.stringify([confirmed, token?.accessToken]), () => process.exit())
