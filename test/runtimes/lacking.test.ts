import { once } from 'node:events'
import { Worker } from 'node:worker_threads'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { portableBundle } from './portable-bundle.ts'
import { type PortableServers, startPortableServers } from './portable-servers.ts'
import type { Told } from './portable.ts'

let servers: PortableServers
let code: string
beforeAll(async () => {
  servers = await startPortableServers()
  code = await portableBundle()
})
afterAll(() => servers.close())

/** The features that a platform lacks. */
interface Lacks {
  /** Missing globals. Only the program sees them as undefined, because Node's own fetch needs them. */
  readonly globals?: readonly string[]
  /** Missing members, such as `URL.canParse`. */
  readonly members?: readonly string[]
  /** Members that exist with the value undefined. */
  readonly undefinedMembers?: readonly string[]
}

/** Runs the program in a thread, which has its own globals. */
const SCRIPT = `
  const { parentPort, workerData } = require('node:worker_threads')
  const { code, origin, globals, members, undefinedMembers } = workerData
  const run = async () => {
    // Node loads its own fetch and its own Web Crypto when they are first used.
    await (await fetch(origin)).text()
    await crypto.subtle.digest('SHA-256', new Uint8Array(1))
    const at = (path) => [path.split('.').slice(0, -1).reduce((owner, name) => owner[name], globalThis), path.split('.').at(-1)]
    for (const path of members) Reflect.deleteProperty(...at(path))
    for (const path of undefinedMembers) Object.defineProperty(...at(path), { value: undefined })
    // Elsewhere timers are numbers.
    const timers = []
    const setTimeout = (...given) => timers.push(globalThis.setTimeout(...given))
    const clearTimeout = (timer) => globalThis.clearTimeout(timers[timer - 1])
    new Function('setTimeout', 'clearTimeout', ...globals, code)(setTimeout, clearTimeout)
    parentPort.postMessage(await globalThis.portable(origin))
  }
  run()`

/** Runs the portable program. */
async function without({ globals = [], members = [], undefinedMembers = [] }: Lacks): Promise<Told> {
  const { origin } = servers
  const workerData = { code, origin, globals, members, undefinedMembers }
  const thread = new Worker(SCRIPT, { eval: true, execArgv: [], workerData })
  try {
    // If the thread fails, this rejects with the thread's error.
    const [told] = (await once(thread, 'message')) as [Told]
    return told
  } finally {
    await thread.terminate()
  }
}

/** The features that do not work, each with the reason. */
function failed(told: Told): Told {
  expect(Object.keys(told).length).toBeGreaterThan(8)
  return Object.fromEntries(Object.entries(told).filter(([, said]) => said !== 'yes'))
}

/** Missing features, in groups. Within a group, no missing feature hides the effect of another. */
const groups: readonly (readonly [name: string, lacks: Lacks])[][] = [
  [['nothing but timers that are objects', {}]],
  [
    ['AbortSignal.any and AbortSignal.timeout', { members: ['AbortSignal.any', 'AbortSignal.timeout'] }],
    ['URL.canParse and URL.parse', { members: ['URL.canParse', 'URL.parse'] }],
    [
      'members of ES2024 and later',
      { members: ['Promise.withResolvers', 'Symbol.asyncDispose', 'Symbol.dispose', 'Object.groupBy'] },
    ],
    [
      'arrays of ES2023',
      {
        members: ['toSorted', 'toReversed', 'toSpliced', 'with', 'findLast', 'findLastIndex'].map(
          (name) => `Array.prototype.${name}`,
        ),
      },
    ],
  ],
  [
    ['byte streams', { globals: ['ReadableByteStreamController', 'ReadableStreamBYOBReader'] }],
    [
      'text streams',
      { globals: ['TextDecoderStream', 'TextEncoderStream', 'CompressionStream', 'DecompressionStream'] },
    ],
    ['structuredClone and queueMicrotask', { globals: ['structuredClone', 'queueMicrotask'] }],
  ],
  [
    [
      'Request.body and duplex, as Firefox',
      { members: ['Request.prototype.body', 'Request.prototype.duplex'] },
    ],
    ['Headers.getSetCookie', { members: ['Headers.prototype.getSetCookie'] }],
    ['crypto.randomUUID', { members: ['Crypto.prototype.randomUUID'] }],
    ['navigator and its locks', { globals: ['navigator'] }],
    ['WeakRef and FinalizationRegistry', { globals: ['WeakRef', 'FinalizationRegistry'] }],
  ],
  [
    ['performance', { globals: ['performance'] }],
    ['DOMException', { globals: ['DOMException'] }],
  ],
  [
    [
      'what is Node’s',
      { globals: ['process', 'Buffer', 'setImmediate', 'clearImmediate', 'global', 'require', 'module'] },
    ],
  ],
  [['a body of responses, as React Native', { undefinedMembers: ['Response.prototype.body'] }]],
]
/** The trial tests each missing feature alone. The tests take each group together. */
const rows =
  process.env['LACKING'] === 'each'
    ? groups.flat()
    : groups.map((group): readonly [string, Lacks] => {
        const all = (kind: keyof Lacks): string[] => group.flatMap(([, lacks]) => lacks[kind] ?? [])
        const names = group.map(([name]) => name).join('; ')
        return [
          names,
          {
            globals: all('globals'),
            members: all('members'),
            undefinedMembers: all('undefinedMembers'),
          },
        ]
      })

test.each(rows)(
  '[R2] given a platform without %s, when the portable program runs, then everything works',
  async (_, lacks) => {
    expect(failed(await without(lacks))).toEqual({})
  },
)

test('[R2, E1] given a page that was not loaded over https, when records are sealed, then one error says what is missing, and the rest works', async () => {
  const told = await without({
    globals: ['CryptoKey', 'SubtleCrypto'],
    undefinedMembers: ['Crypto.prototype.subtle', 'Crypto.prototype.randomUUID'],
  })
  expect(failed(told)).toEqual({
    'sealedStore()': expect.stringMatching(/^invalid_option: A sealed store needs the Web Crypto API/u),
  })
})
