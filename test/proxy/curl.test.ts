import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process'
import { once } from 'node:events'
import { buffer, text } from 'node:stream/consumers'
import { brotliCompressSync, gzipSync } from 'node:zlib'
import { expect, onTestFinished, test } from 'vitest'
import { Refreshable } from '../../src/index.ts'
import { binary } from '../support/binaries.ts'
import type { RecordingServer } from '../support/recording-server.ts'
import { KEY, serve, startProxy } from './proxies.ts'

/** Lines of numbers, so that a byte that is lost or doubled shows. */
const lines = (count: number): Buffer =>
  Buffer.from(Array.from({ length: count }, (_, at) => `${String(at).padStart(15, '0')}\n`).join(''))
const TEXT = lines(20_000)

interface World {
  readonly upstream: RecordingServer
  readonly refreshes: () => number
  start(way: 'proxy' | 'direct', args: readonly string[]): ChildProcessWithoutNullStreams
  /** What curl prints, with a token that has expired: by the proxy, or straight from the upstream with a good one. */
  curl(way: 'proxy' | 'direct', args: readonly string[], input?: Buffer): Promise<Printed>
}
interface Printed {
  readonly code: number
  readonly stdout: string
  readonly stderr: string
}

async function world(handler: Parameters<typeof serve>[0]): Promise<World> {
  let [good, refreshes] = [0, 0]
  const credential = new Refreshable({
    initial: 't0',
    refresh: async () => {
      refreshes++
      return `t${good}`
    },
  })
  const upstream = await serve((request, response, raw) => {
    if (request.headers.authorization === `Bearer t${good}`) return handler(request, response, raw)
    return response
      .writeHead(401, { 'content-type': 'application/json' })
      .end('{"error":{"message":"expired"}}')
  })
  const { url } = await startProxy({ api: { to: upstream.origin, credential } })
  const program = await binary('curl', 'curl')
  const start: World['start'] = (way, args) => {
    if (way === 'proxy') good++
    const [base, key] = way === 'proxy' ? [`${url}/api`, KEY] : [upstream.origin, `t${good}`]
    const words = ['-q', '-sS', '-H', `Authorization: Bearer ${key}`, ...args, `${base}/v1/x?y=%2F`]
    const child = spawn(program, words)
    onTestFinished(() => void child.kill('SIGKILL'))
    return child
  }
  return {
    upstream,
    refreshes: () => refreshes,
    start,
    async curl(way, args, input) {
      const child = start(way, args)
      const ended = once(child, 'close') as Promise<[code: number]>
      child.stdin.on('error', () => undefined).end(input)
      const [stdout, stderr] = await Promise.all([buffer(child.stdout), text(child.stderr)])
      const [code] = await ended
      return { code, stdout: stdout.toString('latin1'), stderr }
    },
  }
}

const whole = { code: 0, stdout: TEXT.toString(), stderr: '' }
const types = { gzip: gzipSync(TEXT), br: brotliCompressSync(TEXT) }

/** Sends the text by the coding that was asked for. */
const compressing: Parameters<typeof serve>[0] = ({ headers }, response) => {
  const coding = (['br', 'gzip'] as const).find((name) => headers['accept-encoding']?.includes(name))
  response.writeHead(200, coding && { 'content-encoding': coding }).end(coding ? types[coding] : TEXT)
}

test.each<[string, readonly string[], string | undefined]>([
  ['--http1.0', ['--http1.0'], undefined],
  ['--http1.1', ['--http1.1'], undefined],
  ['--http2, which it is not given (h2c),', ['--http2'], undefined],
  ['--compressed', ['--compressed'], 'br'],
  ['a coding of its own, not decoded', ['-H', 'Accept-Encoding: gzip'], 'gzip'],
  ['-N', ['-N'], undefined],
])(
  '[X6] [X2] given curl with %s and an expired token, when it gets a body, then it prints what it prints without a proxy',
  async (_name, args, coding) => {
    const { curl, upstream, refreshes } = await world(compressing)
    const through = await curl('proxy', args)
    expect([through, refreshes(), upstream.requests.length]).toEqual([await curl('direct', args), 1, 2])
    expect(through).toEqual(coding === 'gzip' ? { ...whole, stdout: types.gzip.toString('latin1') } : whole)
    const [rejected, repeated, bare] = upstream.sent('accept-encoding')
    expect([rejected, repeated]).toEqual([bare, bare])
  },
)

test.each<[string, readonly string[]]>([
  ['-T - (chunks from its stdin)', ['-T', '-']],
  ['-T - over HTTP/1.1 with Expect: 100-continue', ['-T', '-', '-H', 'Expect: 100-continue']],
  ['--data-binary @- with Expect: 100-continue', ['--data-binary', '@-', '-H', 'Expect: 100-continue']],
  ['--data-binary @- without it', ['--data-binary', '@-', '-H', 'Expect:']],
  ['--http1.0 --data-binary @-', ['--http1.0', '--data-binary', '@-']],
  ['-F file=@-', ['-F', 'file=@-']],
])(
  '[X6] [X2] [X3] given curl with %s and an expired token, when it uploads, then both attempts carry what it sends without a proxy',
  async (_name, args) => {
    const { curl, upstream, refreshes } = await world(({ body }, response) => {
      response.end(`${body.length}\n`)
    })
    const through = await curl('proxy', args, TEXT)
    const direct = await curl('direct', args, TEXT)
    expect([through, refreshes()]).toEqual([direct, 1])
    const sent = upstream.requests.map(({ method, path, body, headers }) => {
      const [boundary = '-'] = /(?<=boundary=)\S+/.exec(headers['content-type'] ?? '') ?? []
      return { method, path, body: body.toString('latin1').replaceAll(boundary, '-') }
    })
    expect(sent).toEqual([sent[2], sent[2], sent[2]])
    expect(sent[2]?.body.includes(TEXT.toString())).toBe(true)
  },
)

test('[X6] [X2] given curl with -N, an expired token and an event stream, when the first event comes long before the rest, then curl prints it at once', async () => {
  let rest = (): void => undefined
  const { start } = await world((_request, response) => {
    response.writeHead(200, { 'content-type': 'text/event-stream' })
    response.write('data: 1\n\n')
    rest = () => void response.end('data: 2\n\n')
  })
  const { stdout } = start('proxy', ['-N'])
  expect(String(await new Promise((resolve) => stdout.once('data', resolve)))).toBe('data: 1\n\n')
  rest()
  expect(await text(stdout)).toBe('data: 2\n\n')
})
