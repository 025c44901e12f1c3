import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { chmod, mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { onTestFinished } from 'vitest'
import { temporaryFolder } from '../support/folder.ts'
import { leash } from '../support/leash.ts'

const bundle = fileURLToPath(new URL('../../cli/dist/llm-refresh.cjs', import.meta.url))

/** What a command printed, and how it ended. */
export interface Ended {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
  readonly stdout: string
  readonly stderr: string
}

/** A command that runs. */
export interface Running {
  readonly child: ChildProcessWithoutNullStreams
  /** What stdout and stderr hold so far. */
  readonly printed: () => string
  /** Settles once stdout or stderr holds this. */
  readonly until: (pattern: RegExp) => Promise<RegExpExecArray>
  readonly ended: Promise<Ended>
}

/** A person's machine: a home of its own, a configuration, and the built command. */
export interface Machine {
  readonly folder: string
  /** Where the configuration is. */
  readonly config: string
  readonly store: string
  readonly write: (config: object | string) => Promise<void>
  readonly start: (words: readonly string[], env?: NodeJS.ProcessEnv) => Running
  readonly run: (words: readonly string[], env?: NodeJS.ProcessEnv) => Promise<Ended>
  /** The same under another program, such as `unshare`. */
  readonly under: (program: readonly string[], words: readonly string[], env?: NodeJS.ProcessEnv) => Running
  /** The same on a terminal of its own: what the command prints comes on stdout, and what is written to stdin is typed. */
  readonly onTerminal: (words: readonly string[], env?: NodeJS.ProcessEnv) => Running
}

/** A pseudoterminal (POSIX) around a command; its exit code is the command's. */
const TERMINAL = `import os, pty, sys
sys.exit(os.waitstatus_to_exitcode(pty.spawn(sys.argv[1:])))`

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
  const under: Machine['under'] = (program, words, env = {}) => {
    const [file = '', ...args] = [...program, process.execPath, bundle, ...words]
    const own = { PATH: process.env['PATH'], HOME: folder, LLM_REFRESH_CONFIG: config, CI: 'true', ...env }
    return watch(spawn(file, args, { cwd: folder, env: own }))
  }
  const start: Machine['start'] = (words, env) => under([], words, env)
  const onTerminal: Machine['onTerminal'] = (words, env) =>
    under(['python3', '-c', TERMINAL], words, { TERM: 'xterm', CI: undefined, ...env })
  const run = (words: readonly string[], env?: NodeJS.ProcessEnv): Promise<Ended> => {
    const { child, ended } = start(words, env)
    child.stdin.end()
    return ended
  }
  return { folder, config, store: join(folder, 'store'), write, start, run, under, onTerminal }
}

function watch(child: ChildProcessWithoutNullStreams): Running {
  let [stdout, stderr] = ['', '']
  let look = (): void => undefined
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    stdout += text
    look()
  })
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr += text
    look()
  })
  leash(child)
  onTestFinished(() => void child.kill('SIGKILL'))
  const ended = once(child, 'close').then(([code, signal]: unknown[]) => ({
    code: code as number | null,
    signal: signal as NodeJS.Signals | null,
    stdout,
    stderr,
  }))
  const printed = (): string => `${stdout}\n${stderr}`
  const until = (pattern: RegExp): Promise<RegExpExecArray> =>
    new Promise((resolve, reject) => {
      look = () => {
        const found = pattern.exec(printed())
        if (found !== null) resolve(found)
      }
      look()
      void ended.then(() => reject(new Error(`It ended without ${pattern.source}: ${printed()}`)))
    })
  return { child, printed, until, ended }
}
