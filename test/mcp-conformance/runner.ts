import { execFile } from 'node:child_process'
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, relative } from 'node:path'
import { pathToFileURL } from 'node:url'
import { promisify } from 'node:util'
import { afterAll } from 'vitest'
import { bundle } from '../support/bundle.ts'
import { installedLocked } from '../support/packages.ts'

const run = promisify(execFile)

/** What the runner says of one thing that it looked at. */
interface Check {
  readonly id: string
  readonly status: 'SUCCESS' | 'FAILURE' | 'WARNING' | 'INFO' | 'SKIPPED'
  readonly description?: string
  readonly errorMessage?: string
}

/** What came of a scenario. */
export interface Outcome {
  readonly passed: number
  /** Failures and warnings, in the runner's words. */
  readonly problems: readonly string[]
}

/** The runner needs Node 22; the client runs on the Node of the tests. */
export class Runner {
  readonly #node: string
  readonly #script: string
  readonly #command: string

  private constructor(packages: string, client: string) {
    const modules = join(packages, 'node_modules')
    const sdk = pathToFileURL(join(modules, '@modelcontextprotocol/client/dist/index.mjs')).href
    this.#node = join(modules, 'node22/bin/node')
    this.#script = join(modules, '@modelcontextprotocol/conformance/dist/index.js')
    this.#command = `${process.execPath} ${client} ${sdk}`
  }

  static async start(): Promise<Runner> {
    const packages = await installedLocked('mcp-conformance', new URL('.', import.meta.url))
    const folder = await mkdtemp(join(tmpdir(), 'llm-refresh-test-'))
    afterAll(() => rm(folder, { recursive: true, force: true }))
    const client = await bundle(new URL('client.ts', import.meta.url), join(folder, 'client.mjs'))
    return new Runner(packages, client)
  }

  /** The names of the scenarios about a client's authorization. */
  async scenarios(): Promise<string[]> {
    const { stdout } = await run(this.#node, [this.#script, 'list'])
    return [...stdout.matchAll(/^\s+- (auth\/\S+)/gm)].flatMap(([, name]) => name ?? [])
  }

  /** Runs the scenarios of a suite, all at once: a process each. Tells what each came to, of those about authorization. */
  async run(suite: string, revision?: string): Promise<Map<string, Outcome>> {
    const results = await mkdtemp(join(tmpdir(), 'llm-refresh-conformance-'))
    const version = revision === undefined ? [] : ['--spec-version', revision]
    const limits = ['--timeout', '240000', '--output-dir', results]
    const args = ['client', '--command', this.#command, '--suite', suite, ...version, ...limits]
    try {
      // Its exit code tells that something failed; the results tell what.
      await run(this.#node, [this.#script, ...args], { maxBuffer: 2 ** 28 }).catch(() => undefined)
      return await outcomesIn(results)
    } finally {
      await rm(results, { recursive: true, force: true })
    }
  }
}

async function outcomesIn(folder: string): Promise<Map<string, Outcome>> {
  const found = await readdir(folder, { recursive: true, withFileTypes: true })
  const files = found.filter(({ name }) => name === 'checks.json')
  const outcomes = files.map(async ({ parentPath, name }): Promise<[string, Outcome]> => {
    const checks: Check[] = JSON.parse(await readFile(join(parentPath, name), 'utf8'))
    const bad = checks.filter(({ status }) => status === 'FAILURE' || status === 'WARNING')
    const problems = bad.map((check) => `${check.id}: ${check.errorMessage ?? check.description}`)
    const passed = checks.filter(({ status }) => status === 'SUCCESS').length
    const scenario = relative(folder, parentPath).replace(/-\d{4}-\d\d-\d\dT[\d-]+Z$/, '')
    return [scenario, { passed, problems }]
  })
  return new Map((await Promise.all(outcomes)).filter(([scenario]) => scenario.startsWith('auth/')))
}
