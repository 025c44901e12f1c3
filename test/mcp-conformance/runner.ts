import { execFile } from 'node:child_process'
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
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

  /** The scenarios about a client's authorization: the revisions of MCP that each is for, or `extension`. */
  async scenarios(): Promise<Map<string, readonly string[]>> {
    const { stdout } = await run(this.#node, [this.#script, 'list'])
    const listed = stdout.matchAll(/^\s+- (auth\/\S+) \[(.*)\]$/gm)
    return new Map([...listed].map(([, name = '', tags = '']) => [name, tags.split(',')]))
  }

  /** Runs scenarios, two at a time. What each came to is told by its name. */
  async run(names: readonly string[], revision?: string): Promise<Map<string, Outcome>> {
    const left = [...names]
    const outcomes = new Map<string, Outcome>()
    const work = async (): Promise<void> => {
      for (let name = left.shift(); name !== undefined; name = left.shift()) {
        outcomes.set(name, await this.#runOne(name, revision))
      }
    }
    await Promise.all([work(), work()])
    return outcomes
  }

  async #runOne(scenario: string, revision: string | undefined): Promise<Outcome> {
    const results = await mkdtemp(join(tmpdir(), 'llm-refresh-conformance-'))
    const version = revision === undefined ? [] : ['--spec-version', revision]
    const limits = ['--timeout', '240000', '--output-dir', results]
    const args = ['client', '--command', this.#command, '--scenario', scenario, ...version, ...limits]
    try {
      // Its exit code tells that something failed; the results tell what.
      await run(this.#node, [this.#script, ...args], { maxBuffer: 2 ** 28 }).catch(() => undefined)
      return await outcomeIn(results)
    } finally {
      await rm(results, { recursive: true, force: true })
    }
  }
}

async function outcomeIn(folder: string): Promise<Outcome> {
  const found = await readdir(folder, { recursive: true, withFileTypes: true })
  const file = found.find(({ name }) => name === 'checks.json')
  if (file === undefined) return { passed: 0, problems: ['The runner did not run it.'] }
  const checks: Check[] = JSON.parse(await readFile(join(file.parentPath, file.name), 'utf8'))
  const bad = checks.filter(({ status }) => status === 'FAILURE' || status === 'WARNING')
  const problems = bad.map((check) => `${check.id}: ${check.errorMessage ?? check.description}`)
  return { passed: checks.filter(({ status }) => status === 'SUCCESS').length, problems }
}
