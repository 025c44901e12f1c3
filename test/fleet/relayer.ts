// Hands on what comes to some places of a network namespace to others. It ends with whoever started it.
import { type Listening, startRelay } from '../support/relay.ts'

const ways = JSON.parse(process.argv[2] ?? '') as [from: Listening, to: Listening][]
await Promise.all(ways.map(([from, to]) => startRelay(from, to)))
process.stdout.write('ready\n')
process.stdin.on('close', () => process.exit()).resume()
