import { execFile } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { type AddressInfo, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { pathToFileURL } from 'node:url'
import { promisify } from 'node:util'
import { afterAll } from 'vitest'
import { installedLocked } from '../support/packages.ts'
import { runClient, type Sdk } from './client.ts'

const run = promisify(execFile)

/** ms. The runner starts all clients at once, perhaps on a machine that runs all tests at once. */
const LONGEST_CLIENT = 600_000

/** The runner's result of one check. */
interface Check {
  readonly id: string
  readonly status: 'SUCCESS' | 'FAILURE' | 'WARNING' | 'INFO' | 'SKIPPED'
  readonly description?: string
  readonly errorMessage?: string
}

/** The outcome of a scenario. */
export interface Outcome {
  readonly passed: number
  /** Failures and warnings, in the runner's words. */
  readonly problems: readonly string[]
}

/** Runs the conformance suite. The suite needs Node 22. Its clients run in this process, on the Node of the tests. */
export class Runner {
  readonly #node: string
  readonly #script: string
  readonly #port: number

  private constructor(packages: string, port: number) {
    this.#node = join(packages, 'node_modules/node22/bin/node')
    this.#script = join(packages, 'node_modules/@modelcontextprotocol/conformance/dist/index.js')
    this.#port = port
  }

  static async start(): Promise<Runner> {
    const packages = await installedLocked('mcp-conformance', new URL('.', import.meta.url))
    const module = join(packages, 'node_modules/@modelcontextprotocol/client/dist/index.mjs')
    const sdk: Sdk = await import(pathToFileURL(module).href)
    return new Runner(packages, await serveOrders(sdk))
  }

  /** The scenarios about a client's authorization → the revisions of MCP that each is for, or `extension`. */
  async scenarios(): Promise<Map<string, readonly string[]>> {
    const { stdout } = await run(this.#node, [this.#script, 'list'])
    const listed = stdout.matchAll(/^\s+- (auth\/\S+) \[(.*)\]$/gm)
    return new Map([...listed].map(([, name = '', tags = '']) => [name, tags.split(',')]))
  }

  /**
   * Runs scenarios in one process of the suite. Returns the outcome of each, by its name.
   *
   * @param revision run only scenarios of this revision. Default: all
   */
  async run(names: readonly string[], revision?: string): Promise<Map<string, Outcome>> {
    const results = await mkdtemp(join(tmpdir(), 'llm-refresh-conformance-'))
    const command = await this.#commandFor(names, results)
    const version = revision === undefined ? [] : ['--spec-version', revision]
    const limits = ['--timeout', String(LONGEST_CLIENT), '--output-dir', results]
    const args = ['client', '--command', command, '--suite', 'all', ...version, ...limits]
    try {
      // The exit code says only that some scenario failed. The results say which one, so we ignore the exit code.
      await run(this.#node, [this.#script, ...args], { maxBuffer: 2 ** 28 }).catch(() => undefined)
      const outcomes = names.map(async (name) => [name, await outcomeIn(results, name)] as const)
      return new Map(await Promise.all(outcomes))
    } finally {
      await rm(results, { recursive: true, force: true })
    }
  }

  /** Writes the client's command. It passes its order on to this process. For scenarios that were not asked for, it does nothing. */
  async #commandFor(names: readonly string[], folder: string): Promise<string> {
    const file = join(folder, 'client.sh')
    const lines = [
      `case "$MCP_CONFORMANCE_SCENARIO" in ${names.join('|')}) ;; *) exit 0 ;; esac`,
      `exec 3<>/dev/tcp/127.0.0.1/${this.#port}`,
      `printf '%s\\n' "$MCP_CONFORMANCE_SCENARIO" "$MCP_CONFORMANCE_PROTOCOL_VERSION" "$MCP_CONFORMANCE_CONTEXT" "$1" >&3`,
      `read -r code error <&3`,
      `echo "$error" >&2`,
      `exit "$code"`,
    ]
    await writeFile(file, lines.join('\n'))
    return `bash ${file}`
  }
}

/** Runs a client for each connection. The connection sends the four parts of an order, one on each line, and gets the client's exit code. */
async function serveOrders(sdk: Sdk): Promise<number> {
  const server = createServer(async (socket) => {
    const lines: string[] = []
    for await (const line of createInterface(socket)) if (lines.push(line) === 4) break
    const [scenario = '', version = '', context = '', serverUrl = ''] = lines
    const order = { scenario, version, context: JSON.parse(context || '{}'), serverUrl }
    const ending = await runClient(sdk, order).then(
      () => '0',
      (error: unknown) => `1 ${String(error).replaceAll('\n', ' ')}`,
    )
    socket.end(`${ending}\n`)
  }).listen(0, '127.0.0.1')
  afterAll(() => void server.close())
  await once(server, 'listening')
  return (server.address() as AddressInfo).port
}

/** Reads the outcome of a scenario. The name of its results' folder ends with the time, which is not known. */
async function outcomeIn(folder: string, scenario: string): Promise<Outcome> {
  const [group = '', name = ''] = scenario.split('/')
  const folders = await readdir(join(folder, group)).catch(() => [])
  const own = folders.find((found) => found.replace(/-\d{4}-\d\d-\d\dT[\d-]+Z$/, '') === name)
  if (own === undefined) return { passed: 0, problems: ['The runner did not run it.'] }
  const checks: Check[] = JSON.parse(await readFile(join(folder, group, own, 'checks.json'), 'utf8'))
  const bad = checks.filter(({ status }) => status === 'FAILURE' || status === 'WARNING')
  const problems = bad.map((check) => `${check.id}: ${check.errorMessage ?? check.description}`)
  return { passed: checks.filter(({ status }) => status === 'SUCCESS').length, problems }
}
