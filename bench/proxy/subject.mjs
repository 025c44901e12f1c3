// A proxy in its own process: `node subject.mjs ours|bare|httpxy UPSTREAM [FOLDER]`. It prints its port; our proxy prints its key, too.
import { createServer } from 'node:http'
import { Session } from 'node:inspector/promises'
import { createRequire } from 'node:module'
import { pathToFileURL } from 'node:url'
import { Refreshable } from 'llm-refresh'
import { createProxy, createProxyKey } from 'llm-refresh/proxy'
import { Pool } from 'undici'

const [kind, upstream, folder] = process.argv.slice(2)
const authorization = 'Bearer token'

/** A proxy that only passes bytes on: no key, no check, no refresh. */
function bare() {
  const pool = new Pool(upstream, { connections: null })
  return createServer((request, response) => {
    const { host: _host, connection: _connection, ...headers } = request.headers
    const { method, url: path } = request
    const body = method === 'GET' ? null : request
    const handler = {
      onRequestStart(controller) {
        response.once('close', () => response.writableFinished || controller.abort(new Error('gone')))
        response.on('drain', () => controller.resume())
      },
      onResponseStart(_controller, status, given) {
        const { connection: _ours, 'transfer-encoding': _nodes, ...kept } = given
        response.writeHead(status, kept)
      },
      onResponseData: (controller, chunk) => void (response.write(chunk) || controller.pause()),
      onResponseEnd: () => response.end(),
      onResponseError: () => response.destroy(),
    }
    pool.dispatch({ method, path, headers: { ...headers, authorization }, body }, handler)
  })
}

async function httpxy() {
  const entry = createRequire(`${folder}/package.json`).resolve('httpxy')
  const { createProxyServer } = await import(pathToFileURL(entry).href)
  const { Agent } = await import('node:http')
  const agent = new Agent({ keepAlive: true })
  const proxy = createProxyServer({ target: upstream, agent, headers: { authorization } })
  return createServer((request, response) => proxy.web(request, response).catch(() => response.destroy()))
}

async function ours() {
  const credential = new Refreshable({ initial: 'token', refresh: async () => 'token' })
  const { key, entry } = createProxyKey({ name: 'bench' })
  const routes = { api: { to: upstream, credential } }
  const { port } = await createProxy({ keys: [entry], routes, maxRequests: 4_000 }).listen()
  return { port, key }
}

if (kind === 'ours') console.log(JSON.stringify(await ours()))
else {
  const server = kind === 'bare' ? bare() : await httpxy()
  server.listen({ port: 0, host: '127.0.0.1', backlog: 4_096 }, () =>
    console.log(JSON.stringify({ port: server.address().port })),
  )
}

const session = new Session()
session.connect()
process.on('message', (asked) => void answer(asked).then((told) => process.send(told)))
process.on('disconnect', () => process.exit())

/** The share of this library in the process's CPU time, with the calls of Node's hashes and buffers that the library makes. */
function shareOfOurs({ nodes, samples, timeDeltas }) {
  const byId = new Map(nodes.map((node) => [node.id, node]))
  const parents = new Map(nodes.flatMap(({ id, children = [] }) => children.map((child) => [child, id])))
  const isTool = ({ url }) => url === '' || /^node:(?:internal\/)?(?:crypto|buffer)/.test(url)
  const isOurs = (id) => {
    let at = id
    while (at !== undefined && isTool(byId.get(at).callFrame)) at = parents.get(at)
    return at !== undefined && /\/dist\//.test(byId.get(at).callFrame.url)
  }
  let [all, own] = [0, 0]
  samples.forEach((id, at) => {
    if (byId.get(id).callFrame.functionName === '(idle)') return
    all += timeDeltas[at]
    if (isOurs(id)) own += timeDeltas[at]
  })
  return own / all
}

async function answer(asked) {
  if (asked === 'memory') {
    globalThis.gc?.()
    globalThis.gc?.()
    return process.memoryUsage.rss()
  }
  if (asked === 'profiled') return shareOfOurs((await session.post('Profiler.stop')).profile)
  await session.post('Profiler.enable')
  await session.post('Profiler.setSamplingInterval', { interval: 200 })
  await session.post('Profiler.start')
  return 0
}
