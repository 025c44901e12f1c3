// One update of a file store, by a process that stops at a step and waits there to be killed.
import { ExclusiveStore } from '../../src/credentials/exclusive.ts'
import { FileBackend } from '../../src/credentials/stores/file/backend.ts'
import { thisMachine } from '../../src/credentials/stores/file/machine.ts'

const [path = '', key = '', last = ''] = process.argv.slice(2)

const onStep = async (step: string): Promise<void> => {
  if (step !== last) return
  process.stdout.write(`${step}\n`)
  setInterval(() => undefined, 60_000)
  await new Promise(() => undefined)
}

const backend = new FileBackend({ path, lease: 10_000, machine: thisMachine, onStep })
const store = new ExclusiveStore(backend, { lease: 10_000, timeout: 10_000, onStep })
await store.update(key, async () => {
  await onStep('redeemed')
  return { accessToken: 'access-new', refreshToken: 'refresh-new' }
})
await onStep('acknowledged')
