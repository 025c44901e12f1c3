// Hands on what comes to some places of a network namespace to others: a way a line. It ends with whoever started it.
import { createInterface } from 'node:readline'
import { type Listening, type Relay, startRelay } from '../support/relay.ts'

const relays = new Map<string, Relay>()
for await (const line of createInterface(process.stdin)) {
  const [from, to] = JSON.parse(line) as [from: Listening, to: Listening]
  const name = JSON.stringify(from)
  await relays.get(name)?.close()
  relays.set(name, await startRelay(from, to))
  process.stdout.write('ready\n')
}
process.exit()
