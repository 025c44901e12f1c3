import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import type { CreatedProxyKey } from 'llm-refresh/proxy'
import { type Config, readConfig } from '../config/read.ts'
import { EXIT, exitCodeOf, Fault, isRefreshError, wrongInput } from '../lib/fault.ts'
import { lineOf, outliveReaders, printable, say } from '../lib/output.ts'
import { commandLine } from '../lib/shell.ts'
import { exitCodeFor, onSignals } from '../lib/signals.ts'
import { childEnvironment } from '../setup/child-environment.ts'
import { aboutCredential, checkCommand, explained, type OpenCredential } from '../setup/credential.ts'
import { endOnSignals } from '../setup/ending.ts'
import { chooseRoutes, openProxy, presetOf, routeOf } from '../setup/proxy.ts'
import { isPersons } from '../setup/source.ts'

export interface RunOptions {
  readonly config?: string
}

/** The exit codes that shells and `env` use for these failures. */
const [OWN_FAILURE, NOT_EXECUTABLE, NOT_FOUND] = [125, 126, 127]
const FORWARDED = ['SIGTERM', 'SIGHUP', 'SIGINT', 'SIGQUIT', 'SIGUSR2', 'SIGWINCH'] as const
/** The signals that a terminal sends to every process of its foreground group, so also to the child. */
const FROM_TERMINALS: ReadonlySet<string> = new Set(['SIGINT', 'SIGQUIT', 'SIGWINCH', 'SIGHUP'])

/**
 * Runs a command whose tools can reach the routes. It starts a proxy on a free port, with keys that are valid until the command ends. It
 * leaves nothing behind.
 *
 * @returns the command's own exit code, or 128 + n if signal n ended it
 */
export async function run(
  named: readonly string[],
  command: readonly string[],
  options: RunOptions,
): Promise<number> {
  outliveReaders()
  try {
    return await supervise(named, command, options)
  } catch (error) {
    if (error instanceof Fault) {
      throw new Fault(
        error.exitCode === NOT_FOUND || error.exitCode === NOT_EXECUTABLE ? error.exitCode : OWN_FAILURE,
        error.message,
        error.fix,
      )
    }
    if (isRefreshError(error)) throw new Fault(OWN_FAILURE, error.message)
    throw error
  }
}

async function supervise(
  named: readonly string[],
  command: readonly string[],
  options: RunOptions,
): Promise<number> {
  const [program, ...args] = command
  const config = await readConfig(options.config)
  if (program === undefined || program === '') throw withoutCommand(config, named)
  const routes = chooseRoutes(config, named)
  const keys = await keysFor(config, routes)
  const opened = await openProxy(config, { routes, keys: [...keys.values()].map(({ entry }) => entry) })
  let code: number | undefined
  try {
    for (const credential of opened.credentials) await assertToken(credential)
    const { url } = await opened.proxy.listen()
    const reachable = routes.map((name) => ({ name, base: `${url}/${name}`, key: keys.get(name)?.key ?? '' }))
    const env = childEnvironment(config, reachable, process.env)
    const child = spawn(program, args, { stdio: 'inherit', env: { ...env }, windowsHide: false })
    onSignals(FORWARDED, (signal) => {
      if (!isSentByTerminal(signal)) child.kill(signal)
    })
    code = await endOf(child, program)
    return code
  } finally {
    // A token may still be on its way into a store: a second interrupt does not wait for it. The command's exit code stays ours.
    endOnSignals(code)
    await opened.close()
  }
}

/** The error for a missing command. If the `--` is missing, the words from the first unknown route on are the command. */
function withoutCommand({ routes = {} }: Config, named: readonly string[]): Fault {
  const isRoute = (word: string): boolean => Object.hasOwn(routes, word)
  const end = named.findIndex((word) => !isRoute(word))
  const chosen = end === -1 ? named : named.slice(0, end)
  const meant = end === -1 ? ['node', 'app.js'] : named.slice(end)
  const line = commandLine(['llm-refresh', 'run', ...chosen, '--', ...meant])
  return wrongInput(
    'Which command?',
    end === -1 ? `Name it after --, such as: ${line}` : `It stands behind --: ${line}`,
  )
}

/** Makes one key for each route, so that each key has the form that the clients of that route check. */
async function keysFor(config: Config, routes: readonly string[]): Promise<Map<string, CreatedProxyKey>> {
  const { createProxyKey } = await import('llm-refresh/proxy')
  return new Map(
    routes.map((route, at) => {
      const preset = presetOf(routeOf(config, route))
      return [route, createProxyKey({ name: `run-${process.pid}-${at}`, routes: [route], preset })]
    }),
  )
}

/**
 * Checks that the credential has a token, because without one the command would only get 401s. A failure that may pass with time does not
 * prevent the start.
 */
async function assertToken(opened: OpenCredential): Promise<void> {
  try {
    await opened.credential.accessToken()
  } catch (error) {
    const isAway =
      isRefreshError(error) && exitCodeOf(error, isPersons(opened.definition)) === EXIT.unreachable
    if (!isAway) throw await explained(error, opened)
    const message = `There is no token yet: ${aboutCredential(opened, error)}`
    say(lineOf({ message, fix: `Run: ${checkCommand(opened.name)}` }))
  }
}

function isSentByTerminal(signal: NodeJS.Signals): boolean {
  const hasTerminal = process.stdin.isTTY || process.stdout.isTTY || process.stderr.isTTY
  return hasTerminal && process.pid !== 1 && FROM_TERMINALS.has(signal)
}

async function endOf(child: ChildProcess, program: string): Promise<number> {
  try {
    await once(child, 'exit')
    const { exitCode, signalCode } = child
    return signalCode === null ? (exitCode ?? OWN_FAILURE) : exitCodeFor(signalCode)
  } catch (error) {
    const reason = String(Reflect.get(Object(error), 'code'))
    const shown = printable(program)
    if (reason === 'ENOENT')
      throw new Fault(NOT_FOUND, `There is no command ${shown}.`, 'Is it installed, and on the PATH?')
    throw new Fault(
      NOT_EXECUTABLE,
      `${shown} cannot be run (${reason}).`,
      'Is it executable? There is no shell: name a shell where you need one.',
    )
  }
}
