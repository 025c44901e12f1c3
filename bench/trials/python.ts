import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { type SingleUse, startSingleUse } from '../../test/cli/single-use.ts'
import { blocksOf, installCommand, stepsOf } from '../../test/cli/transcripts.ts'
import { type Battery, type Figure, setting } from './trial.ts'

/** The vendors' packages: the tested version, the number of calls in each round of the program, and the error for a rejected credential. */
const PACKAGES = {
  openai: { version: '3.22.1', calls: 6, error: 'AuthenticationError' },
  anthropic: { version: '1.13.0', calls: 5, error: 'AuthenticationError' },
  google: { name: 'google-genai', version: '2.25.0', calls: 4, error: 'ClientError' },
} as const

type Vendor = keyof typeof PACKAGES
const SAID = 'Hello from the test server.'
const run = promisify(execFile)
const programs = fileURLToPath(new URL('python/', import.meta.url))
const pages = fileURLToPath(new URL('../../docs/tools/', import.meta.url))

/** The outcome of one call of a program. */
interface Told {
  readonly when: 'served' | 'dead' | 'wrong'
  readonly call: string
  readonly said?: string
  readonly error?: string
  readonly message?: string
}

/**
 * Runs the vendors' Python packages under `llm-refresh run`. They know only the variables that it sets. In `ROUNDS` rounds each call meets an
 * expired token.
 */
export const python: Battery = async (tell) => {
  const folder = await mkdtemp(join(tmpdir(), 'llm-refresh-trial-'))
  const world = await startSingleUse(folder, SAID)
  try {
    for (const vendor of Object.keys(PACKAGES) as Vendor[]) {
      const venv = join(folder, vendor)
      const failure = await install(vendor, venv)
      if (failure === undefined) {
        for (const figure of await calls(world, vendor, venv)) tell(figure)
        if (vendor !== 'google') tell(await page(world, vendor, venv))
      } else tell({ what: named(vendor), figure: `NOT RUN: ${failure}`, limit: 'installed', isMet: false })
    }
  } finally {
    await world.close()
    await rm(folder, { recursive: true, force: true, maxRetries: 10, retryDelay: 200 })
  }
}

function named(vendor: Vendor): string {
  const { version, ...given } = PACKAGES[vendor]
  return `${'name' in given ? given.name : vendor} ${version}`
}

/** @returns why the package could not be installed; undefined if it was */
async function install(vendor: Vendor, venv: string): Promise<string | undefined> {
  try {
    await run('python3', ['-m', 'venv', venv])
    const wanted = named(vendor).replace(' ', '==')
    await run(join(venv, 'bin/pip'), ['install', '--quiet', '--disable-pip-version-check', wanted])
    return undefined
  } catch (error) {
    const { stderr } = error as { stderr?: unknown }
    const said = typeof stderr === 'string' && stderr.trim() !== '' ? stderr : String(error)
    return said.trim().split('\n').at(-1)
  }
}

async function under(
  world: SingleUse,
  vendor: Vendor,
  command: readonly string[],
  env: NodeJS.ProcessEnv,
): Promise<{ code: number; stdout: string }> {
  const cli = fileURLToPath(new URL('../../cli/dist/llm-refresh.cjs', import.meta.url))
  const child = spawn(process.execPath, [cli, 'run', vendor, '--', ...command], {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: { PATH: process.env['PATH'], LLM_REFRESH_CONFIG: world.config, ...env },
  })
  const [stdout, [code]] = await Promise.all([text(child.stdout), once(child, 'exit') as Promise<[number]>])
  return { code, stdout }
}

async function calls(world: SingleUse, vendor: Vendor, venv: string): Promise<Figure[]> {
  const rounds = setting('ROUNDS', 3)
  const count = PACKAGES[vendor].calls * rounds
  const [served, rejected, redeemed] = [world.served(), world.llm.rejections(), redemptions(world)]
  await world.grant(count)
  const python3 = join(venv, 'bin/python')
  const { code, stdout } = await under(
    world,
    vendor,
    [python3, `${programs}${vendor}_calls.py`, `${rounds}`],
    {},
  )
  const told = stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Told)
  const good = told.filter(({ when, said }) => when === 'served' && (said === SAID || said === 'True')).length
  const kinds = [...new Set(told.filter(({ when }) => when === 'served').map(({ call }) => call))]
  // Each call met an expired token. So did the first call after the login had ended. The proxy sent no later call, so both counts are one more
  // than the calls.
  const [rejections, requests] = [world.llm.rejections() - rejected, redemptions(world) - redeemed]
  const what = named(vendor)
  const figures: Figure[] = [
    {
      what: `${what}: ${kinds.join(', ')}`,
      figure: `${good} of ${count} calls served, each with an expired token; ${rejections - 1} rejections, ${requests - 1} refreshes; exit ${code}`,
      limit: 'all, one refresh for each',
      isMet:
        good === count &&
        world.served() - served === count &&
        rejections === count + 1 &&
        requests === count + 1 &&
        code === 0,
    },
  ]
  for (const [when, expected, needle] of [
    ['dead', 'a login that has ended', 'Run: llm-refresh login me'],
    ['wrong', 'a wrong key', 'no valid key of this proxy'],
  ] as const) {
    const those = told.filter((each) => each.when === when)
    const { error } = PACKAGES[vendor]
    const right = those.filter((each) => each.error === error && each.message?.includes(needle)).length
    figures.push({
      what: `${what}: ${expected}`,
      figure: `${right} of ${those.length} calls raised ${error} with “${needle}”`,
      limit: 'all',
      isMet: right > 0 && right === those.length,
    })
  }
  return figures
}

function redemptions({ servers }: SingleUse): number {
  return servers.counts.tokenRequests
}

/** Runs the page's code with the page's own command. */
async function page(world: SingleUse, vendor: Vendor, venv: string): Promise<Figure> {
  const blocks = blocksOf(await readFile(join(pages, `${vendor}-python.md`), 'utf8'))
  const home = await mkdtemp(join(tmpdir(), 'llm-refresh-trial-'))
  try {
    await mkdir(join(home, 'bin'))
    await installCommand(join(home, 'bin'))
    const code = blocks.find(({ language }) => language === 'python')?.block ?? ''
    await writeFile(join(home, 'app.py'), code)
    const steps = blocks.flatMap(({ language, block }) => (language === 'console' ? stepsOf(block) : []))
    await world.grant(steps.length)
    const PATH = [join(home, 'bin'), join(venv, 'bin'), process.env['PATH']].join(delimiter)
    let right = 0
    for (const { command, output } of steps) {
      const env = { PATH, HOME: home, LLM_REFRESH_CONFIG: world.config }
      const { stdout } = await run('sh', ['-c', command], { env, cwd: home })
      if (stdout === output) right++
    }
    return {
      what: `${named(vendor)}: docs/tools/${vendor}-python.md`,
      figure: `${right} of ${steps.length} commands printed what the page shows`,
      limit: 'all',
      isMet: steps.length > 0 && right === steps.length,
    }
  } finally {
    await rm(home, { recursive: true })
  }
}
