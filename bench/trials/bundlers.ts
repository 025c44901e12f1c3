import { execFile, spawn } from 'node:child_process'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { installed } from '../../test/support/packages.ts'
import type { Battery } from './trial.ts'

const run = promisify(execFile)
const root = fileURLToPath(new URL('../..', import.meta.url))

const TOOLS = [
  '@babel/core@7.29.0',
  '@babel/preset-env@7.29.14',
  '@rollup/plugin-node-resolve@16.0.3',
  'esbuild@0.28.2',
  'jest@30.5.2',
  'next@16.4.6',
  'react-dom@19.3.1',
  'react@19.3.1',
  'rollup@4.68.8',
  'vite@8.3.8',
  'vitest@4.1.12',
  'webpack@5.113.0',
]

/** The output of each program: the result of a call, the result of a call with an expired token, and the number of rejected attempts. */
const EXPECTED = '200 200 1'

/** A program's body, the same for `import` and `require()`. */
const ROUND_TRIP = `
async function roundTrip() {
  const servers = await startTestServers()
  const credential = createCredential({ source: servers.source })
  const send = refreshingFetch(credential, { origins: servers.origin })
  const ask = async () => {
    const body = JSON.stringify({ model: 'gpt-5', messages: [{ role: 'user', content: 'Hello' }] })
    const headers = { 'content-type': 'application/json' }
    const response = await send(servers.baseURL + '/chat/completions', { method: 'POST', headers, body })
    await response.text()
    return response.status
  }
  const first = await ask()
  servers.expireTokens()
  const second = await ask()
  await servers.close()
  return first + ' ' + second + ' ' + servers.counts.rejected
}
`
const FILES: Readonly<Record<string, string>> = {
  'package.json': '{ "private": true }',
  'trip.mjs': `import { createCredential, refreshingFetch } from 'llm-refresh'
import { startTestServers } from 'llm-refresh/testing'
${ROUND_TRIP}
export { roundTrip }`,
  'main.mjs': `import { roundTrip } from './trip.mjs'
void roundTrip().then(console.log)`,
  'main.cjs': `const { createCredential, refreshingFetch } = require('llm-refresh')
const { startTestServers } = require('llm-refresh/testing')
${ROUND_TRIP}
module.exports = { roundTrip }
if (require.main === module) void roundTrip().then(console.log)`,
  'trip.jest.cjs': `const { roundTrip } = require('./main.cjs')
test('a round trip', async () => { expect(await roundTrip()).toBe('${EXPECTED}') })`,
  'trip.jest.mjs': `import { roundTrip } from './trip.mjs'
test('a round trip', async () => { expect(await roundTrip()).toBe('${EXPECTED}') })`,
  'trip.vitest.mjs': `import { expect, test } from 'vitest'
import { roundTrip } from './trip.mjs'
test('a round trip', async () => { expect(await roundTrip()).toBe('${EXPECTED}') })`,
  // The configuration that docs/runtimes.md recommends.
  'jest.config.cjs': `module.exports = {
  testMatch: ['**/*.jest.cjs'],
  transformIgnorePatterns: ['/node_modules/(?!llm-refresh/)'],
}`,
  'babel.config.cjs': `module.exports = { presets: [['@babel/preset-env', { targets: { node: 'current' } }]] }`,
  'jest.esm.cjs': `module.exports = { testMatch: ['**/*.jest.mjs'], moduleFileExtensions: ['mjs', 'js', 'json'], transform: {} }`,
  'vitest.config.mjs': `export default { test: { include: ['*.vitest.mjs'] } }`,
  'vite.config.mjs': `export default { build: { ssr: 'main.mjs', outDir: 'out/vite', target: 'node20' }, ssr: { noExternal: true } }`,
  'rollup.config.mjs': `import { nodeResolve } from '@rollup/plugin-node-resolve'
export default {
  input: 'main.mjs',
  output: { file: 'out/rollup.mjs', inlineDynamicImports: true },
  external: [/^node:/],
  plugins: [nodeResolve({ exportConditions: ['node'] })],
}`,
  'webpack.mjs': `import webpack from 'webpack'
const output = { path: import.meta.dirname + '/out', filename: 'webpack.mjs', module: true }
const settings = { mode: 'production', target: 'node20', entry: './main.mjs', experiments: { outputModule: true }, output }
webpack(settings, (error, stats) => {
  if (error !== null || stats.hasErrors()) throw error ?? new Error(stats.toString('errors-only'))
})`,
  'site/app/layout.js': `export default function Layout({ children }) { return <html><body>{children}</body></html> }`,
  'site/app/trip/route.js': `import { roundTrip } from '../../../trip.mjs'
export const dynamic = 'force-dynamic'
export async function GET() { return new Response(await roundTrip()) }`,
  'site/next.config.mjs': `const root = import.meta.dirname + '/..'
export default { outputFileTracingRoot: root, turbopack: { root } }`,
  'site/package.json': '{ "private": true }',
}

const NODE = process.execPath

/** Runs the packed package in many bundlers and test runners. In each of them a token expires, and the library repeats the call. */
export const bundlers: Battery = async (tell) => {
  const folder = await mkdtemp(join(tmpdir(), 'llm-refresh-bundlers-'))
  const tool = (name: string): string => join(folder, 'node_modules', name)
  const program = async (...args: string[]): Promise<string> => {
    const { stdout } = await run(NODE, args, { cwd: folder, timeout: 300_000 })
    return stdout.trim()
  }
  /** Runs a test runner. If its tests fail, this throws. */
  const passes = async (...args: string[]): Promise<string> => program(...args).then(() => EXPECTED)
  const esbuild = async (...args: string[]): Promise<void> => {
    const common = ['--bundle', '--platform=node', '--minify', '--log-level=warning']
    await run(tool('esbuild/bin/esbuild'), ['main.mjs', ...common, ...args], { cwd: folder })
  }
  const ways: Readonly<Record<string, () => Promise<string>>> = {
    import: () => program('main.mjs'),
    'require()': () => program('main.cjs'),
    'jest, CommonJS by the recipe': () => passes(tool('jest/bin/jest.js'), '-c', 'jest.config.cjs'),
    'jest, ESM': () => passes('--experimental-vm-modules', tool('jest/bin/jest.js'), '-c', 'jest.esm.cjs'),
    vitest: () => passes(tool('vitest/vitest.mjs'), 'run'),
    'esbuild, ESM': async () => {
      await esbuild('--format=esm', '--outfile=out/esbuild.mjs')
      return program('out/esbuild.mjs')
    },
    'esbuild, CommonJS': async () => {
      await esbuild('--format=cjs', '--outfile=out/esbuild.cjs')
      return program('out/esbuild.cjs')
    },
    rollup: async () => {
      await program(tool('rollup/dist/bin/rollup'), '-c', 'rollup.config.mjs')
      return program('out/rollup.mjs')
    },
    vite: async () => {
      await program(tool('vite/bin/vite.js'), 'build')
      return program('out/vite/main.mjs')
    },
    webpack: async () => {
      await program('webpack.mjs')
      return program('out/webpack.mjs')
    },
    'Next.js': async () => {
      await program(tool('next/dist/bin/next'), 'build', 'site')
      return asked(folder, tool('next/dist/bin/next'))
    },
  }
  try {
    await consume(folder)
    for (const [what, way] of Object.entries(ways)) {
      const figure = await way().catch((error: unknown) => String(error).slice(0, 500))
      tell({ what, figure, limit: EXPECTED, isMet: figure === EXPECTED })
    }
  } finally {
    await rm(folder, { recursive: true, force: true, maxRetries: 10, retryDelay: 200 })
  }
}

/** Fills a folder with the packed package and the tools. */
async function consume(folder: string): Promise<void> {
  const tools = await installed('bundlers', TOOLS)
  await run('cp', ['-a', join(tools, 'node_modules'), join(folder, 'node_modules')])
  await run('npm', ['pack', '--silent', '--ignore-scripts', '--pack-destination', folder], { cwd: root })
  const place = join(folder, 'node_modules/llm-refresh')
  await mkdir(place)
  await run('sh', ['-c', `tar -xzf llm-refresh-[0-9]*.tgz --strip-components=1 -C "${place}"`], {
    cwd: folder,
  })
  for (const [name, text] of Object.entries(FILES)) {
    await mkdir(join(folder, name, '..'), { recursive: true })
    await writeFile(join(folder, name), text)
  }
}

/** The response of a route of the built application. */
async function asked(folder: string, next: string): Promise<string> {
  const env = { ...process.env, NEXT_TELEMETRY_DISABLED: '1' }
  const child = spawn(NODE, [next, 'start', 'site', '-p', '0'], {
    cwd: folder,
    env,
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  try {
    for await (const line of createInterface(child.stdout)) {
      const [url] = /http:\/\/localhost:\d+/u.exec(line) ?? []
      if (url !== undefined) return await (await fetch(`${url}/trip`)).text()
    }
    return 'Next.js ended before it listened.'
  } finally {
    child.kill()
  }
}
