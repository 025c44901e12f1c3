// Runs a Worker in workerd until stdin ends: node workerd-host.mjs MINIFLARE WORKER BINDINGS FLAGS
import { readFile } from 'node:fs/promises'

const [miniflare, worker, bindings, flags] = process.argv.slice(2)
const { Miniflare } = await import(miniflare)
const host = new Miniflare({
  modules: true,
  script: await readFile(worker, 'utf8'),
  compatibilityDate: '2026-01-01',
  compatibilityFlags: JSON.parse(flags),
  bindings: JSON.parse(bindings),
  kvNamespaces: ['OAUTH_KV'],
  host: '127.0.0.1',
  port: 0,
})
const url = await host.ready
process.stdout.write(`${url.origin}\n`)
process.stdin.on('close', () => void host.dispose().finally(() => process.exit())).resume()
