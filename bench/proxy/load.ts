import { once } from 'node:events'
import { readdirSync, readFileSync } from 'node:fs'
import { connect, type Socket } from 'node:net'

/** The port and the texts of requests. They are prepared, because a client that builds each request would slow the proxy down. */
export interface Aim {
  readonly port: number
  readonly get: string
  readonly post: string
  readonly stream: string
}

const BODY = JSON.stringify({ model: 'bench', text: 'word '.repeat(400) })

export function aimAt(port: number, prefix = '', key = 'none'): Aim {
  const head = (line: string): string =>
    `${line} HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nAuthorization: Bearer ${key}\r\nAccept: application/json\r\nUser-Agent: bench/1.0\r\nAccept-Encoding: gzip, deflate\r\n`
  return {
    port,
    get: `${head(`GET ${prefix}/v1/x`)}\r\n`,
    post: `${head(`POST ${prefix}/v1/x`)}Content-Type: application/json\r\nContent-Length: ${BODY.length}\r\n\r\n${BODY}`,
    stream: `${head(`GET ${prefix}/v1/stream`)}\r\n`,
  }
}

/** A connection that sends the same request again and again. */
class Client {
  readonly #socket: Socket
  readonly #request: Buffer
  #heard: () => void = () => undefined
  #missing = -1

  constructor(socket: Socket, request: string) {
    this.#socket = socket
    this.#request = Buffer.from(request, 'latin1')
    socket.setNoDelay(true)
    socket.on('data', (data: Buffer) => this.#read(data))
  }

  async ask(): Promise<void> {
    const answered = new Promise<void>((resolve) => (this.#heard = resolve))
    this.#missing = -1
    this.#socket.write(this.#request)
    await answered
  }

  end(): void {
    this.#socket.destroy()
  }

  #read(data: Buffer): void {
    if (this.#missing < 0) {
      const head = data.indexOf('\r\n\r\n')
      const text = data.toString('latin1', 0, head)
      const length = /\r\ncontent-length: (\d+)/i.exec(text)?.[1]
      if (head < 0 || length === undefined || !text.startsWith('HTTP/1.1 200'))
        throw new Error(`a response that the bench does not know: ${data.toString('latin1', 0, 200)}`)
      this.#missing = Number(length) + head + 4
    }
    this.#missing -= data.length
    if (this.#missing <= 0) this.#heard()
  }
}

export async function opened(port: number): Promise<Socket> {
  const socket = connect({ port, host: '127.0.0.1', noDelay: true })
  socket.on('error', () => socket.destroy())
  await once(socket, 'connect')
  return socket
}

async function clients(port: number, request: string, count: number): Promise<Client[]> {
  return Promise.all(Array.from({ length: count }, async () => new Client(await opened(port), request)))
}

/** The CPU time (ns) of a process for each of `count` requests, 32 at a time. */
export async function cpuPerRequest(
  pid: number,
  port: number,
  request: string,
  count: number,
): Promise<number> {
  const all = await clients(port, request, 32)
  await Promise.all(all.map((each) => each.ask()))
  const before = cpuOf(pid)
  let left = count
  const work = async (client: Client): Promise<void> => {
    while (left-- > 0) await client.ask()
  }
  await Promise.all(all.map(work))
  const used = cpuOf(pid) - before
  for (const each of all) each.end()
  return used / count
}

/** How long each of `count` requests takes, in ns, one after the other. */
export async function latencies(port: number, request: string, count: number): Promise<number[]> {
  const client = new Client(await opened(port), request)
  const times: number[] = []
  for (let n = 0; n < count; n++) {
    const start = process.hrtime.bigint()
    await client.ask()
    times.push(Number(process.hrtime.bigint() - start))
  }
  client.end()
  return times
}

/** ns from a nudge of the upstream until the chunk arrives that the nudge causes. */
export async function chunkLatencies(aim: Aim, upstream: number, count: number): Promise<number[]> {
  const nudge = await opened(upstream)
  nudge.write('nudge')
  const socket = await opened(aim.port)
  socket.write(aim.stream)
  await once(socket, 'data')
  const times: number[] = []
  for (let n = 0; n < count; n++) {
    const heard = once(socket, 'data')
    const start = process.hrtime.bigint()
    nudge.write('.')
    await heard
    times.push(Number(process.hrtime.bigint() - start))
  }
  socket.destroy()
  nudge.destroy()
  return times
}

/** The CPU time of all threads of a process, in ns, from Linux's `/proc`. */
function cpuOf(pid: number): number {
  let sum = 0
  for (const thread of readdirSync(`/proc/${pid}/task`))
    sum += Number(readFileSync(`/proc/${pid}/task/${thread}/schedstat`, 'utf8').split(' ')[0])
  return sum
}
