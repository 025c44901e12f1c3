import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { chmod, mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { onTestFinished } from 'vitest'
import { temporaryFolder } from '../support/folder.ts'
import { leash } from '../support/leash.ts'
import { type Ended, type Printing, printing } from './printing.ts'
import { inThread } from './thread.ts'

const bundle = fileURLToPath(new URL('../../cli/dist/llm-refresh.cjs', import.meta.url))

/** A process that runs the command. */
export interface Running extends Printing {
  readonly child: ChildProcessWithoutNullStreams
}

/** A person's machine: a home of its own, a configuration, and the built command. */
export interface Machine {
  readonly folder: string
  /** Where the configuration is. */
  readonly config: string
  readonly store: string
  readonly write: (config: object | string) => Promise<void>
  /** The command in a thread, to its end. */
  readonly run: (words: readonly string[], env?: NodeJS.ProcessEnv) => Promise<Ended>
  /** The command in a thread. */
  readonly begin: (words: readonly string[], env?: NodeJS.ProcessEnv) => Printing
  /** The command as a process, to its end: where its folder, its pid or a CA counts, or what it runs prints something. */
  readonly runApart: (words: readonly string[], env?: NodeJS.ProcessEnv) => Promise<Ended>
  /** The command as a process. */
  readonly start: (words: readonly string[], env?: NodeJS.ProcessEnv) => Running
  /** The same under another program, such as `unshare`. */
  readonly under: (program: readonly string[], words: readonly string[], env?: NodeJS.ProcessEnv) => Running
  /** The same on a terminal of its own: what the command prints comes on stdout, and what is written to stdin is typed. */
  readonly onTerminal: (words: readonly string[], env?: NodeJS.ProcessEnv) => Running
}

/** A pseudoterminal (POSIX) around a command; its exit code is the command's. */
const TERMINAL = `import os, pty, sys
sys.exit(os.waitstatus_to_exitcode(pty.spawn(sys.argv[1:])))`

/** A child for `sh -c` that tells of signals, and ends with 9 at SIGTERM. A shell hears of none while it waits for a program in the foreground. */
export const SIGNALLED = `sleep 300 >&- 2>&- & trap 'echo got INT' INT; trap 'echo got HUP' HUP; trap 'echo got TERM; kill $!; exit 9' TERM
  echo ready $PPID; while :; do wait $!; done`

/** @param given what the configuration holds besides its version and a file store in the machine's folder */
export async function machine(given: object | string = {}): Promise<Machine> {
  if (!existsSync(bundle)) throw new Error('The command is not built: npm run build')
  const folder = await temporaryFolder()
  const place = join(folder, 'config')
  await mkdir(place, { mode: 0o700 })
  const config = join(place, 'config.jsonc')
  const write: Machine['write'] = async (content) => {
    const stores = { default: { type: 'file', path: '../store' } }
    const text =
      typeof content === 'string' ? content : JSON.stringify({ version: 1, stores, ...content }, undefined, 2)
    await writeFile(config, text, { mode: 0o600 })
    await chmod(config, 0o600)
  }
  await write(given)
  const own = (env: NodeJS.ProcessEnv): NodeJS.ProcessEnv => ({
    PATH: process.env['PATH'],
    HOME: folder,
    LLM_REFRESH_CONFIG: config,
    CI: 'true',
    ...env,
  })
  const begin: Machine['begin'] = (words, env = {}) => inThread(bundle, words, own(env))
  const under: Machine['under'] = (program, words, env = {}) => {
    const [file = '', ...args] = [...program, process.execPath, bundle, ...words]
    return watch(spawn(file, args, { cwd: folder, env: own(env) }))
  }
  const start: Machine['start'] = (words, env) => under([], words, env)
  const onTerminal: Machine['onTerminal'] = (words, env) =>
    under(['python3', '-c', TERMINAL], words, { TERM: 'xterm', CI: undefined, ...env })
  const run: Machine['run'] = (words, env) => begin(words, env).ended
  const runApart: Machine['runApart'] = (words, env) => {
    const { child, ended } = start(words, env)
    child.stdin.end()
    return ended
  }
  const store = join(folder, 'store')
  return { folder, config, store, write, run, begin, runApart, start, under, onTerminal }
}

function watch(child: ChildProcessWithoutNullStreams): Running {
  leash(child)
  onTestFinished(() => void child.kill('SIGKILL'))
  const running = printing(async (add) => {
    for (const name of ['stdout', 'stderr'] as const)
      child[name].setEncoding('utf8').on('data', (text: string) => add(name, text))
    const [code, signal] = (await once(child, 'close')) as [number | null, NodeJS.Signals | null]
    return { code, signal }
  })
  return { child, ...running }
}
