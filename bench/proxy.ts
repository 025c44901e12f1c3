import { once } from 'node:events'
import { chunkLatencies, cpuPerRequest, latencies, opened } from './proxy/load.ts'
import { commandStarts } from './proxy/start.ts'
import { start, startNginx, startUpstream, type Subject } from './proxy/subjects.ts'
import { type Finding, median } from './rounds.ts'

const ROUNDS = 15
const WARM_UP = 5
const REQUESTS = 2_000
const STREAMS = 1_000
type Side = 'ours' | 'bare' | 'httpxy' | 'nginx'
type Sides = ReadonlyMap<Side, Subject>

/** Compares the local proxy with nginx, with a bare `Pool.dispatch` in twenty lines, and with httpxy. */
export async function proxy(): Promise<Finding[]> {
  if (process.platform !== 'linux') {
    console.log('The proxy is measured on Linux only: no other system tells the CPU time of each process.')
    return []
  }
  const upstream = await startUpstream()
  const sides = new Map<Side, Subject>()
  try {
    for (const kind of ['ours', 'bare', 'httpxy'] as const) sides.set(kind, await start(kind, upstream.port))
    const nginx = await startNginx(upstream.port)
    if (nginx === undefined) console.log('nginx is not here: the proxy is not compared with it.')
    else sides.set('nginx', nginx)
    return [
      ...(await cpuRows(sides)),
      await ownShare(sides),
      ...(await addedTimes(sides, upstream.port)),
      await memoryPerStream(upstream.port),
      ...(await commandStarts(upstream.port)),
    ]
  } finally {
    for (const side of sides.values()) await side.end()
    upstream.end()
  }
}

/** The CPU time of each proxy, in ns for each request. The proxies take turns. */
async function cpuOfAll(sides: Sides, request: 'get' | 'post'): Promise<Map<Side, number[]>> {
  const times = new Map<Side, number[]>([...sides.keys()].map((side) => [side, []]))
  for (let round = 0; round < ROUNDS + WARM_UP; round++) {
    for (const [name, { pid, aim }] of sides) {
      const used = await cpuPerRequest(pid, aim.port, aim[request], REQUESTS)
      // The first rounds include the work of the JIT compiler, so they do not count.
      if (round >= WARM_UP) times.get(name)?.push(used)
    }
  }
  return times
}

async function cpuRows(sides: Sides): Promise<Finding[]> {
  const [get, post] = [await cpuOfAll(sides, 'get'), await cpuOfAll(sides, 'post')]
  const row = (
    times: Map<Side, number[]>,
    what: string,
    side: Side,
    floor: number,
    whose: string,
  ): Finding[] => {
    const [others = [], own = []] = [times.get(side), times.get('ours')]
    if (others.length === 0) return []
    const ratio = median(own.map((time, at) => (others[at] ?? Number.NaN) / time))
    const micros = [others, own].map((each) => (median(each) / 1_000).toFixed(0))
    return [
      {
        question: `The local proxy: ${what}`,
        figure: ratio,
        unit: '×',
        floor,
        note: `as many for the same CPU time as ${whose}: ${micros.join(' and ')} µs each, 32 connections`,
      },
    ]
  }
  const bare = 'a bare `Pool.dispatch` of twenty lines'
  return [
    ...row(get, 'GETs of 1 KB', 'nginx', 0.25, 'nginx with a fixed header'),
    ...row(get, 'GETs of 1 KB', 'bare', 1, bare),
    ...row(post, 'POSTs of 2 KB', 'bare', 1.3, bare),
    ...row(get, 'GETs of 1 KB', 'httpxy', 1.5, 'httpxy'),
  ]
}

async function ownShare(sides: Sides): Promise<Finding> {
  const side = sides.get('ours')
  if (side === undefined) throw new Error('The proxy does not run.')
  const shares: number[] = []
  for (let round = 0; round < 5; round++) {
    await side.ask('profile')
    await cpuPerRequest(side.pid, side.aim.port, side.aim.get, REQUESTS * 2)
    shares.push(await side.ask('profiled'))
  }
  const note =
    'of a GET’s CPU time is this library’s, its check of the key included: Node and undici take the rest'
  return {
    question: 'The local proxy: all of ours',
    figure: median(shares) * 100,
    unit: '%',
    ceiling: 10,
    note,
  }
}

async function addedTimes(sides: Sides, upstream: number): Promise<Finding[]> {
  const [own, bare] = [sides.get('ours'), sides.get('bare')]
  if (own === undefined || bare === undefined) throw new Error('The proxies do not run.')
  const direct = { ...bare.aim, port: upstream }
  const compare = async (
    what: string,
    measure: (aim: Subject['aim']) => Promise<number[]>,
  ): Promise<Finding> => {
    const times: [number[], number[], number[]] = [[], [], []]
    for (let round = 0; round < 25; round++)
      for (const [at, aim] of [direct, bare.aim, own.aim].entries())
        times[at]?.push(median(await measure(aim)))
    const [straight, theirs, ours] = times.map((each) => median(each) / 1e6) as [number, number, number]
    return {
      question: `The local proxy: added to ${what}, one connection`,
      figure: (ours - straight) / (theirs - straight),
      unit: '×',
      ceiling: 1.15,
      note: `what a bare \`Pool.dispatch\` adds (p50): ${(ours - straight).toFixed(3)} and ${(theirs - straight).toFixed(3)} ms`,
    }
  }
  return [
    await compare('a GET', ({ port, get }) => latencies(port, get, 200)),
    await compare('a chunk of a stream', (aim) => chunkLatencies(aim, upstream, 200)),
  ]
}

async function memoryPerStream(upstream: number): Promise<Finding> {
  const side = await start('ours', upstream)
  const open = async (count: number): Promise<() => void> => {
    const sockets = await Promise.all(
      Array.from({ length: count }, async () => {
        const socket = await opened(side.aim.port)
        socket.write(side.aim.stream)
        await once(socket, 'data')
        return socket
      }),
    )
    return () => sockets.forEach((socket) => socket.destroy())
  }
  try {
    // Warm up, so that the memory of the JIT compiler does not count as the streams'.
    const close = await open(50)
    await cpuPerRequest(side.pid, side.aim.port, side.aim.get, REQUESTS)
    close()
    const before = await side.ask('memory')
    const closeAll = await open(STREAMS)
    const bytes = ((await side.ask('memory')) - before) / STREAMS
    closeAll()
    return {
      question: 'The local proxy: an open stream',
      figure: bytes / 1024,
      unit: 'KiB',
      ceiling: 40,
      note: `of memory, ${STREAMS.toLocaleString('en')} open at once`,
    }
  } finally {
    await side.end()
  }
}
