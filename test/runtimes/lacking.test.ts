import { spawn } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { portableBundle } from './portable-bundle.ts'
import { type PortableServers, startPortableServers } from './portable-servers.ts'
import type { Told } from './portable.ts'

let servers: PortableServers
let folder: string
let bundle: string
beforeAll(async () => {
  servers = await startPortableServers()
  folder = await mkdtemp(join(tmpdir(), 'llm-refresh-portable-'))
  bundle = join(folder, 'portable.js')
  await writeFile(bundle, await portableBundle())
})
afterAll(() => Promise.all([servers.close(), rm(folder, { recursive: true })]))

/** What a platform lacks. */
interface Lacks {
  /** Globals: the program sees them undefined, while Node's own fetch, which needs them, goes on. */
  readonly globals?: readonly string[]
  /** Members, as `URL.canParse`. */
  readonly members?: readonly string[]
  /** Members that are there and undefined. */
  readonly undefinedMembers?: readonly string[]
}

/** Runs the portable program in a process of its own. */
async function without({ globals = [], members = [], undefinedMembers = [] }: Lacks): Promise<Told> {
  const script = `
    const [bundle, origin, globals, members, undefinedMembers] = JSON.parse(process.argv[1])
    const code = require('node:fs').readFileSync(bundle, 'utf8')
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
      const told = await globalThis.portable(origin)
      process.stdout.write(JSON.stringify(told), () => process.exit())
    }
    run()`
  const orders = JSON.stringify([bundle, servers.origin, globals, members, undefinedMembers])
  const child = spawn(process.execPath, ['-e', script, orders], { stdio: ['ignore', 'pipe', 'inherit'] })
  return JSON.parse(await text(child.stdout)) as Told
}

/** What does not work, and why. */
function failed(told: Told): Told {
  expect(Object.keys(told).length).toBeGreaterThan(8)
  return Object.fromEntries(Object.entries(told).filter(([, said]) => said !== 'yes'))
}

test.each<[string, Lacks]>([
  ['nothing but timers that are objects', {}],
  ['AbortSignal.any and AbortSignal.timeout', { members: ['AbortSignal.any', 'AbortSignal.timeout'] }],
  ['byte streams', { globals: ['ReadableByteStreamController', 'ReadableStreamBYOBReader'] }],
  [
    'members of ES2024 and later',
    { members: ['Promise.withResolvers', 'Symbol.asyncDispose', 'Symbol.dispose', 'Object.groupBy'] },
  ],
  ['structuredClone and queueMicrotask', { globals: ['structuredClone', 'queueMicrotask'] }],
  [
    'Request.body and duplex, as Firefox',
    { members: ['Request.prototype.body', 'Request.prototype.duplex'] },
  ],
  [
    'text streams',
    { globals: ['TextDecoderStream', 'TextEncoderStream', 'CompressionStream', 'DecompressionStream'] },
  ],
  ['Headers.getSetCookie', { members: ['Headers.prototype.getSetCookie'] }],
  ['crypto.randomUUID', { members: ['Crypto.prototype.randomUUID'] }],
  ['navigator and its locks', { globals: ['navigator'] }],
  ['WeakRef and FinalizationRegistry', { globals: ['WeakRef', 'FinalizationRegistry'] }],
  ['URL.canParse and URL.parse', { members: ['URL.canParse', 'URL.parse'] }],
  ['performance', { globals: ['performance'] }],
  ['DOMException', { globals: ['DOMException'] }],
  [
    'arrays of ES2023',
    {
      members: ['toSorted', 'toReversed', 'toSpliced', 'with', 'findLast', 'findLastIndex'].map(
        (name) => `Array.prototype.${name}`,
      ),
    },
  ],
  [
    'what is Node’s',
    { globals: ['process', 'Buffer', 'setImmediate', 'clearImmediate', 'global', 'require', 'module'] },
  ],
  ['a body of responses, as React Native', { undefinedMembers: ['Response.prototype.body'] }],
])(
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
    'sealedStore()': expect.stringMatching(/^invalid_option: sealedStore\(\) needs the Web Crypto API/u),
  })
})
