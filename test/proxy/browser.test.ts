import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { binary } from '../support/binaries.ts'
import { temporaryFolder } from '../support/folder.ts'
import { tokens } from '../surfaces/fetch/cells.ts'
import { KEY, serve, startProxy } from './proxies.ts'

/** Everything that a page can send without asking, and what needs a preflight; it even knows a key. */
const PAGE = (proxy: string): string => `<!doctype html><body><script>
  const to = '${proxy}/api/x?key=${KEY}&by='
  const ended = (name, trying) => trying.then(() => name + ' sent', () => name + ' refused')
  const element = (tag, more, events = ['load', 'error']) => new Promise((resolve) => {
    const made = Object.assign(document.createElement(tag), more)
    for (const event of events) made.addEventListener(event, () => resolve())
    document.body.append(made)
  })
  const form = (target, enctype) => new Promise((resolve) => {
    const frame = Object.assign(document.createElement('iframe'), { name: target })
    const made = Object.assign(document.createElement('form'), { method: 'POST', action: to + target, target, enctype })
    made.innerHTML = '<input name="{&quot;model&quot;:&quot;" value="&quot;}">'
    document.body.append(frame, made)
    frame.addEventListener('load', () => resolve())
    made.submit()
  })
  const socket = () => new Promise((resolve, reject) => {
    const made = new WebSocket(to.replace('http', 'ws') + 'websocket')
    made.onopen = resolve
    made.onerror = reject
  })
  const body = '{"model":"m"}'
  const json = { 'content-type': 'application/json', authorization: 'Bearer ${KEY}' }
  Promise.all([
    ended('get', fetch(to + 'get')),
    ended('no-cors', fetch(to + 'no-cors', { mode: 'no-cors' })),
    ended('simple post', fetch(to + 'simple', { method: 'POST', mode: 'no-cors', body, headers: { 'content-type': 'text/plain' } })),
    ended('preflighted', fetch(to + 'preflighted', { method: 'POST', body, headers: json })),
    ended('websocket', socket()),
    element('img', { src: to + 'img' }),
    element('script', { src: to + 'script' }),
    element('link', { rel: 'stylesheet', href: to + 'style' }),
    element('iframe', { src: to + 'frame' }),
    form('urlencoded', 'application/x-www-form-urlencoded'),
    form('plain', 'text/plain'),
    Promise.resolve(navigator.sendBeacon(to + 'beacon', body)),
  ]).then((told) => fetch('/told', { method: 'POST', body: JSON.stringify(told.slice(0, 5)) }))
</script>`

test('[X1] given a page of another site in a browser, and one whose name was rebound to this machine, when they send all that pages can, even with a key, then nothing reaches the upstream', async () => {
  const upstream = await serve((_, response) => response.end('secret'))
  const { url, port, audited } = await startProxy({ api: { to: upstream.origin, credential: tokens().cell } })
  let tell: (told: string) => void = () => undefined
  const told = new Promise<string>((resolve) => (tell = resolve))
  const site = createServer((request, response) => {
    if (request.url !== '/told') return void response.setHeader('content-type', 'text/html').end(PAGE(url))
    void request.toArray().then((chunks) => tell(Buffer.concat(chunks as Buffer[]).toString()))
    response.end()
  })
  site.listen(0, '127.0.0.1')
  await once(site, 'listening')
  onTestFinished(() => {
    site.close().closeAllConnections()
  })
  const folder = await temporaryFolder()
  const chromium = await binary('chromium', 'chromium')
  const open = (address: string): void => {
    const quiet = '--disable-background-networking --disable-component-update --disable-sync'
    const flags = `--headless --no-sandbox --disable-gpu --disable-quic --no-first-run --no-proxy-server ${quiet}`
    const profile = `--user-data-dir=${join(folder, new URL(address).hostname)}`
    const rebound = '--host-resolver-rules=MAP *.example 127.0.0.1'
    const child = spawn(chromium, [...flags.split(' '), profile, rebound, address], { stdio: 'ignore' })
    const exit = once(child, 'exit')
    onTestFinished(async () => {
      child.kill('SIGKILL')
      await exit
    })
  }
  open(`http://evil.example:${(site.address() as AddressInfo).port}/`)
  const tried = JSON.parse(await told) as string[]
  // What is sent without CORS looks sent to the page, whatever the answer is.
  expect(tried).toEqual([
    'get refused',
    'no-cors sent',
    'simple post sent',
    'preflighted refused',
    'websocket refused',
  ])
  const before = await audited(12)
  expect(new Set(before.map(({ refused }) => refused))).toEqual(new Set(['origin']))
  // A rebound name: the browser takes the proxy for the page's own site.
  const count = before.length
  open(`http://rebound.example:${port}/api/x?key=${KEY}`)
  const [rebound] = (await audited(count + 1)).slice(count)
  expect(rebound).toMatchObject({ refused: 'host', status: 421 })
  expect(upstream.requests).toEqual([])
}, 120_000)
