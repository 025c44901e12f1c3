import fc from 'fast-check'
import { READERS } from '../../test/sources/hostile-all.ts'
import type { Reader } from '../../test/sources/hostile-reader.ts'
import { listening } from '../../test/sources/hostile-readers.ts'
import { collectGarbage } from '../../test/support/garbage.ts'
import { type Battery, setting } from './trial.ts'

/** Inputs in one batch. */
const BATCH = 10_000
/** ms on the clock that a reader may take for one input, also on a busy machine. */
const HANGING = 10_000
/** How often each of the largest inputs is read. The fastest time counts. */
const ROUNDS = 5
/** ms of CPU that a reader may take for its largest input. */
const SLOWEST = 50
/** ms of CPU. The quotient of two shorter times is noise. */
const MEASURABLE = 1

/**
 * Feeds hostile inputs to everything that reads what servers, helpers, drivers and web pages send: `INPUTS` of them (1,000,000), spread over
 * all readers, made by the generators of the tests. It also measures the CPU time for the largest inputs. `READERS` is a pattern of names.
 */
export const hostile: Battery = async (tell) => {
  const inputs = setting('INPUTS', 1_000_000)
  const wanted = new RegExp(process.env['READERS'] ?? '', 'iu')
  const callbacks = await listening()
  let unhandled = 0
  const count = (): void => {
    unhandled++
  }
  process.on('unhandledRejection', count)
  try {
    let total = 0
    for (const reader of [...READERS, callbacks.reader]) {
      if (!wanted.test(reader.name)) continue
      const runs = Math.round((inputs * reader.share) / 1_000)
      total += runs
      const { slowest, growth, failure } = await many(reader, runs)
      tell({
        what: `${reader.name}: ${runs} hostile inputs`,
        figure: `${failure ?? 'each was read or refused'}; the slowest took ${slowest.toFixed(0)} ms; memory grew by ${growth.toFixed(1)} MiB`,
        limit: 'all, 10 s, 8 MiB',
        isMet: failure === undefined && slowest < HANGING && growth < 8,
      })
      const { worst, steepest } = await largest(reader)
      tell({
        what: `${reader.name}: the largest inputs, and such of half the size`,
        figure: `at most ${worst.ms.toFixed(1)} ms of CPU (${worst.name}); at most ${steepest.quotient.toFixed(2)} times the half (${steepest.name})`,
        limit: `${SLOWEST} ms, 3 times`,
        isMet: worst.ms <= SLOWEST && steepest.quotient <= 3,
      })
    }
    await callbacks.end()
    tell({
      what: `${total} hostile inputs: rejections that nobody handled`,
      figure: String(unhandled),
      limit: '0',
      isMet: unhandled === 0,
    })
  } finally {
    process.off('unhandledRejection', count)
  }
}

async function many(
  { inputs, read }: Reader,
  runs: number,
): Promise<{ readonly slowest: number; readonly growth: number; readonly failure: string | undefined }> {
  let slowest = 0
  let before: number | undefined
  const property = fc.asyncProperty(inputs, async (input) => {
    const began = performance.now()
    await read(input as never)
    slowest = Math.max(slowest, performance.now() - began)
  })
  for (let done = 0; done < runs; done += BATCH) {
    const result = await fc.check(property, { numRuns: Math.min(BATCH, runs - done) })
    if (result.failed) return { slowest, growth: 0, failure: fc.defaultReportMessage(result)?.slice(0, 500) }
    // The first batch fills caches, so its memory does not count as growth.
    before ??= heap()
  }
  return { slowest, growth: heap() - (before ?? 0), failure: undefined }
}

/** The size of the heap, in MiB. */
function heap(): number {
  collectGarbage()
  return process.memoryUsage().heapUsed / 1_048_576
}

interface Largest {
  readonly worst: { readonly name: string; readonly ms: number }
  readonly steepest: { readonly name: string; readonly quotient: number }
}

async function largest({ large, read }: Reader): Promise<Largest> {
  let worst: Largest['worst'] = { name: 'none', ms: 0 }
  let steepest: Largest['steepest'] = { name: 'none takes long enough', quotient: 0 }
  const halves = new Map(large(1 / 2))
  for (const [name, input] of large(1)) {
    const ms = await cpuOf(read, input)
    if (ms > worst.ms) worst = { name, ms }
    if (ms < MEASURABLE) continue
    let quotient = ms / (await cpuOf(read, halves.get(name)))
    // Other programs disturb single measurements. A reader that is not linear shows a large quotient every time, so the smallest counts.
    for (let again = 0; again < 3 && quotient > 3; again++) {
      quotient = Math.min(quotient, (await cpuOf(read, input)) / (await cpuOf(read, halves.get(name))))
    }
    if (quotient > steepest.quotient) steepest = { name, quotient }
  }
  return { worst, steepest }
}

/** The fastest of `ROUNDS` readings, in ms of CPU. */
async function cpuOf(read: Reader['read'], input: unknown): Promise<number> {
  let fastest = Infinity
  for (let round = 0; round < ROUNDS; round++) {
    const began = process.cpuUsage()
    await read(input as never)
    const { user, system } = process.cpuUsage(began)
    fastest = Math.min(fastest, (user + system) / 1_000)
  }
  return fastest
}
