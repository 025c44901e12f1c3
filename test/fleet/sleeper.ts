// One update of a file store, by a process that is stopped after it has redeemed, and tells afterwards what came of it.
import { once } from 'node:events'
import { ExclusiveStore } from '../../src/credentials/exclusive.ts'
import { FileBackend } from '../../src/credentials/stores/file/backend.ts'
import { thisMachine } from '../../src/credentials/stores/file/machine.ts'

const [path = '', lease = ''] = process.argv.slice(2)
const options = { lease: Number(lease), timeout: 10_000 }
const store = new ExclusiveStore(new FileBackend({ path, machine: thisMachine, ...options }), options)
let confirmed = 'the lock is held'
const { token } = await store.update('me', async (_, { confirm }) => {
  process.stdout.write('redeemed\n')
  await once(process.stdin, 'data')
  await confirm?.().catch(() => (confirmed = 'the lock is lost'))
  return { accessToken: 'access-late', refreshToken: 'refresh-late' }
})
process.stdout.write(JSON.stringify([confirmed, token?.accessToken]), () => process.exit())
