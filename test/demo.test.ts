import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createServer, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { PassThrough } from 'node:stream'
import { build } from 'esbuild'
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest'
import { measureChat, tokenSecondsFor } from '../demo/measure.ts'
import { parseOptions, UsageError } from '../demo/options.ts'
import { chatWithReal } from '../demo/real.ts'
import { SHOWN } from '../demo/script.ts'
import { countExpiries, keptPromise } from '../demo/summary.ts'
import type { Summary } from '../demo/summary.ts'
import { leash } from './support/leash.ts'
import { startLlmServer } from './support/llm-server.ts'
import type { LlmServer } from './support/llm-server.ts'

/** The processes that a test has started. They may still run if the test timed out. */
const running = new Set<ChildProcess>()
afterAll(() => {
  for (const child of running) child.kill('SIGKILL')
})

const cleanups: (() => Promise<void>)[] = []
afterEach(async () => {
  vi.unstubAllEnvs()
  await Promise.all(cleanups.splice(0).map((clean) => clean()))
})

interface Ended {
  code: number | null
  signal: string | null
  stdout: string
  stderr: string
}

const ROOT = join(import.meta.dirname, '..')
/** The arguments with which `npm run demo` starts the demo. */
const DEMO = ['--import', 'tsx', 'demo/main.ts']
/** The folder of the bundled demo, which starts as fast as Node does. It is in `node_modules`, so that the demo finds its packages. */
const FOLDER = join(ROOT, 'node_modules', `.llm-refresh-demo-${process.pid}`)
const MAIN = join(FOLDER, 'main.mjs')
const BUILT = [MAIN]
beforeAll(async () => {
  await build({
    entryPoints: [join(ROOT, 'demo/main.ts')],
    outfile: MAIN,
    bundle: true,
    packages: 'external',
    platform: 'node',
    format: 'esm',
    logLevel: 'error',
  })
}, 180_000)
afterAll(() => rm(FOLDER, { recursive: true, force: true }))

/** Runs the demo until it ends by itself. Its environment holds only the given keys. */
function runDemo(args: string[], keys: Record<string, string> = {}, demo = BUILT): Promise<Ended> {
  const { PATH } = process.env
  const child = spawn(process.execPath, [...demo, ...args], {
    cwd: ROOT,
    env: { ...(PATH !== undefined && { PATH }), ...keys },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  leash(child)
  running.add(child)
  const ended: Ended = { code: null, signal: null, stdout: '', stderr: '' }
  child.stdout.setEncoding('utf8').on('data', (text: string) => (ended.stdout += text))
  child.stderr.setEncoding('utf8').on('data', (text: string) => (ended.stderr += text))
  return new Promise((resolve, reject) => {
    child.on('error', reject)
    child.on('close', (code, signal) => {
      running.delete(child)
      resolve({ ...ended, code, signal })
    })
  })
}

async function llmServer(good: string): Promise<LlmServer> {
  const server = await startLlmServer({
    accepts: (key) => key === good,
    answer: 'Because what is lent must come back.',
  })
  cleanups.push(() => server.close())
  return server
}

/** The numbers of one line of the demo's table. */
function row(table: string, title: string): string[] {
  const line = table.split('\n').find((each) => each.startsWith(`  ${title}  `)) ?? ''
  return line
    .slice(title.length + 2)
    .trim()
    .split(/\s{2,}/)
}

describe('the demo on embedded servers', () => {
  let run: Ended
  beforeAll(async () => {
    run = await runDemo(['--chats', '60', '--token-seconds', '2'], {}, DEMO)
    // On a slow machine the tokens live longer, and the run lasts as long as several tokens.
  }, 240_000)

  test('[P2, P5] given chats through llm-refresh, when their tokens expire, then every chat gets its response, and the run ends by itself', () => {
    expect(run).toMatchObject({ code: 0, signal: null, stderr: '' })
    expect(row(run.stdout, 'chats done').slice(0, 2)).toEqual(['30', '30'])
    expect(row(run.stdout, 'chats failed').slice(0, 2)).toEqual(['0', '0'])
    expect(run.stdout).toContain('All 60 chats through llm-refresh were answered')
    for (const time of [...row(run.stdout, 'p50'), ...row(run.stdout, 'p95')]) {
      expect(time).toMatch(/^\d+ ms$/)
    }
  })

  test('[P11, C3, C9] given several expiries, when the run is over, then each has cost one refresh, and the server has refused none', () => {
    for (const half of row(run.stdout, 'refreshes / expiries').slice(0, 2)) {
      const [refreshes, expiries] = half.split(' / ').map(Number)
      expect(expiries).toBeGreaterThanOrEqual(2)
      expect(refreshes).toBe(expiries)
    }
    expect(Number(row(run.stdout, '401s absorbed')[0])).toBeGreaterThanOrEqual(2)
    expect(row(run.stdout, 'refreshes refused').slice(0, 2)).toEqual(['0', '0'])
    expect(row(run.stdout, 'login').slice(0, 2)).toEqual(['kept', 'kept'])
  })

  test('given a hand-written wrapper, when its token expires first, then it loses its login', () => {
    expect(row(run.stdout, 'login')[2]).toMatch(/^lost at \d+\.\d s$/)
    expect(row(run.stdout, 'refreshes / expiries')[2]).toBe('1 / 1')
    const [done, failed] = ['chats done', 'chats failed'].map((title) => Number(row(run.stdout, title)[2]))
    expect(failed).toBeGreaterThan(0)
    expect((done ?? 0) + (failed ?? 0)).toBe(30)
  })

  test('[X6] given a Python script and curl behind the proxy, when their token expires three times, then each expiry costs one refresh, and both get their responses', () => {
    for (const expiry of [1, 2, 3])
      expect(run.stdout).toContain(`  expiry ${expiry}   Python: answered   curl: answered   refreshes: 1\n`)
  })

  test('given output to a pipe, when the run is over, then it shows one whole response, and no token, secret or terminal code', () => {
    expect(run.stdout).toContain(`one answer, as it streams: ${SHOWN.answer}\n`)
    // Every token and secret of the embedded servers is a random word of at least 36 characters.
    expect(run.stdout).not.toMatch(/[\w-]{30,}/)
    expect(run.stdout).not.toContain('\u001b')
  })

  test("given this machine's speed, when the run starts, then it prints how long its tokens live", () => {
    const [, life] = /access token lives (\d+) s/.exec(run.stdout) ?? []
    expect(Number(life)).toBeGreaterThanOrEqual(2)
    expect(run.stdout).toMatch(/measured: a chat keeps this machine busy for \d+\.\d ms, so tokens/)
  })

  test('given the times at which tokens were issued, when expiries are counted, then each counts once, and a refresh without an expiry fails the run', () => {
    const summary: Summary = {
      name: '',
      done: 1,
      failed: 0,
      absorbed: 0,
      refreshes: 2,
      expiries: 2,
      refused: 0,
      p50: 1,
      p95: 1,
      lostAt: undefined,
    }
    expect(countExpiries([], 1000)).toBe(0)
    expect(countExpiries([0, 950, 2000], 1000)).toBe(2)
    expect(countExpiries([0, 1010, 1020, 1500, 2030], 1000)).toBe(2)
    expect(keptPromise(summary)).toBe(true)
    expect(keptPromise({ ...summary, refreshes: 3 })).toBe(false)
    expect(keptPromise({ ...summary, failed: 1 })).toBe(false)
  })
})

describe('given the time that a chat keeps the machine busy, when a token lifetime is chosen', () => {
  const load = { chats: 300, lives: 3, least: 3 }

  test.each([
    [0, 3],
    [7.5, 3],
    [7.6, 4],
    [15, 6],
    [75, 30],
    [1_000, 60],
  ])('then %d ms lead to %d s', (busy, seconds) => {
    expect(tokenSecondsFor({ ...load, busy })).toBe(seconds)
  })

  test('then 24 chats at once are measured', async () => {
    const open: (() => void)[] = []
    let time = 0
    vi.spyOn(performance, 'now').mockImplementation(() => time)
    const measured = measureChat(() => new Promise((resolve) => open.push(resolve)))
    expect(open).toHaveLength(24)
    time = 240
    for (const end of open) end()
    expect(await measured).toBe(10)
    vi.restoreAllMocks()
  })
})

describe('given a key command that the demo has started, then it ends with the demo', () => {
  /** Runs the demo with a key command that never ends, and gives the connection that tells whether it still runs. */
  async function hanging(program: string, args: string[]): Promise<{ child: ChildProcess; command: Socket }> {
    const server = createServer()
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    const address = server.address()
    const port = typeof address === 'object' && address !== null ? address.port : 0
    const folder = await mkdtemp(join(tmpdir(), 'llm-refresh-demo-'))
    cleanups.push(async () => {
      server.close()
      await rm(folder, { recursive: true })
    })
    const key = join(folder, 'key.mjs')
    await writeFile(key, `import { connect } from 'node:net'\nconnect(${port}, '127.0.0.1').resume()`)
    const child = spawn(
      program,
      [...args, '--provider', 'openai', '--model', 'gpt-5', '--key-command', `${process.execPath} ${key}`],
      { cwd: ROOT, stdio: 'ignore' },
    )
    running.add(child)
    const [command] = (await once(server, 'connection')) as [Socket]
    // The connection may be reset when the demo is killed.
    command.on('error', () => undefined).resume()
    return { child, command }
  }

  test.each([
    ['SIGINT', 130],
    ['SIGTERM', 143],
  ] as const)('when the demo gets %s, with exit code %d', async (signal, code) => {
    const { child, command } = await hanging(process.execPath, BUILT)
    const over = Promise.all([once(child, 'exit'), once(command, 'close')])
    child.kill(signal)
    expect((await over)[0]).toEqual([code, null])
    running.delete(child)
  })

  test('[E4] when the process that started the demo is killed', async () => {
    const parent = `require('node:child_process').spawn(process.execPath, process.argv.slice(1), { stdio: 'ignore' })`
    const { child, command } = await hanging(process.execPath, ['-e', parent, '--', ...BUILT])
    const over = once(command, 'close')
    child.kill('SIGKILL')
    await over
    expect(command.destroyed).toBe(true)
    running.delete(child)
  })
})

describe('the demo with a real service', () => {
  test.each([
    ['anthropic', 'ANTHROPIC_API_KEY'],
    ['anthropic', 'ANTHROPIC_AUTH_TOKEN'],
    ['openai', 'OPENAI_API_KEY'],
    ['google', 'GEMINI_API_KEY'],
    ['openai-compatible', 'LLM_API_KEY'],
  ] as const)(
    'given %s and its key in %s, when it chats, then it prints the response, and not the key',
    async (service, variable) => {
      const key = 'the-good-key'
      const server = await llmServer(key)
      const vendor = service === 'openai-compatible' ? 'openai' : service
      for (const name of ['ANTHROPIC_API_KEY', 'GOOGLE_GENERATIVE_AI_API_KEY']) vi.stubEnv(name, '')
      vi.stubEnv(variable, key)
      const out = new PassThrough({ encoding: 'utf8' })
      const code = await chatWithReal(
        {
          service,
          model: 'model-1',
          baseUrl: server.baseUrl[vendor],
          message: 'Why?',
          keyCommand: undefined,
        },
        out,
      )
      const printed: unknown = out.read()
      expect(code).toBe(0)
      expect(printed).toContain('Because what is lent must come back.')
      expect(printed).not.toContain(key)
      expect([server.requests(vendor), server.rejections()]).toEqual([1, 0])
    },
  )

  test('given a rejected key, when the demo chats, then it runs the key command again, once', async () => {
    const server = await llmServer('fresh')
    const folder = await mkdtemp(join(tmpdir(), 'llm-refresh-demo-'))
    cleanups.push(() => rm(folder, { recursive: true }))
    const program = join(folder, 'key.mjs')
    await writeFile(
      program,
      `import { existsSync, writeFileSync } from 'node:fs'
      const marker = import.meta.filename + '.ran'
      console.log(existsSync(marker) ? 'fresh' : 'stale')
      writeFileSync(marker, '')`,
    )
    const service = ['--provider', 'openai', '--base-url', server.baseUrl.openai, '--model', 'gpt-5']
    const { code, stdout } = await runDemo([...service, '--key-command', `${process.execPath} ${program}`])
    expect(code).toBe(0)
    expect(stdout).toContain('the key was looked up again')
    expect([server.requests(), server.rejections()]).toEqual([2, 1])
  })

  test('given a key that stays rejected, when the demo chats, then it prints the service’s words, and exits with code 1', async () => {
    const server = await llmServer('good')
    const { code, stdout } = await runDemo(
      ['--provider', 'anthropic', '--base-url', server.baseUrl.anthropic, '--model', 'claude'],
      { ANTHROPIC_API_KEY: 'a-bad-key' },
    )
    expect(code).toBe(1)
    expect(stdout).toContain('The chat failed: invalid x-api-key')
    expect(stdout).not.toContain('a-bad-key')
  })
})

describe('the demo’s command line', () => {
  test('given wrong input or a missing key, when the demo starts, then it prints one line on stderr, and exits with code 2', async () => {
    for (const [args, fix] of [
      [['--chats', 'many'], '--chats'],
      [['--provider', 'openai', '--model', 'gpt-5'], 'OPENAI_API_KEY'],
    ] as const) {
      const { code, stdout, stderr } = await runDemo([...args])
      expect({ code, stdout }).toEqual({ code: 2, stdout: '' })
      expect(stderr).toContain(fix)
      expect(stderr.trim()).not.toContain('\n')
    }
  })

  test.each([
    [['--chats', '0'], '--chats "0" will not do: write a whole number from 6 to 600.'],
    [['--token-seconds', '1.5'], '--token-seconds'],
    [['--what'], "Unknown option '--what'"],
    [['stray'], 'stray'],
    [['--model', 'x'], '--provider'],
    [['--provider', 'acme', '--model', 'x'], 'anthropic, openai, google, openai-compatible'],
    [['--provider', 'openai'], '--model is missing'],
    [['--provider', 'openai-compatible', '--model', 'x'], '--base-url'],
    [['--base-url', 'nowhere', '--model', 'x'], 'https://host/v1'],
    [['--base-url', 'https://host/v1', '--model', 'x', '--key-command', ' '], '--key-command is empty'],
    [['--provider', 'openai', '--model', 'x', '--chats', '6'], '--chats is for the embedded servers'],
  ])(
    'given the arguments %j, when they are parsed, then the error says how to mend them',
    (args, message) => {
      expect(() => parseOptions(args)).toThrow(UsageError)
      expect(() => parseOptions(args)).toThrow(message)
    },
  )

  test('given no options, when they are parsed, then the demo runs 200 chats on tokens of 3 s; given --help, then it prints the help', () => {
    expect(parseOptions([])).toEqual({ mode: 'embedded', chats: 200, tokenSeconds: 3 })
    expect(parseOptions(['--help'])).toEqual({ mode: 'help' })
  })
})
