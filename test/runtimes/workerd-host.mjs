// Runs a Worker in workerd, once for each of BINDINGS, until stdin ends. Prints the origin of each: node workerd-host.mjs MINIFLARE WORKER BINDINGS FLAGS
import { readFile } from 'node:fs/promises'

const [miniflare, worker, bindings, flags] = process.argv.slice(2)
const { Miniflare } = await import(miniflare)
const script = await readFile(worker, 'utf8')
const workers = JSON.parse(bindings).map((own, number) => ({
  name: String(number),
  modules: true,
  script,
  compatibilityDate: '2026-01-01',
  compatibilityFlags: JSON.parse(flags),
  bindings: own,
  kvNamespaces: ['OAUTH_KV'],
  unsafeDirectSockets: [{ host: '127.0.0.1', port: 0 }],
}))
const host = new Miniflare({ host: '127.0.0.1', port: 0, workers })
const first = await host.ready
const urls =
  workers.length === 1 ? [first] : await Promise.all(workers.map(({ name }) => host.unsafeGetDirectURL(name)))
process.stdout.write(`${JSON.stringify(urls.map(({ origin }) => origin))}\n`)
process.stdin.on('close', () => void host.dispose().finally(() => process.exit())).resume()
