import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { chmod, mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { onTestFinished } from 'vitest'
import { temporaryFolder } from '../support/folder.ts'

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
}

/** @param config what the configuration holds besides its version and a file store in the machine's folder */
export async function machine(config: object | string = {}): Promise<Machine> {
  if (!existsSync(bundle)) throw new Error('The command is not built: npm run build')
  const folder = await temporaryFolder()
  const place = join(folder, 'config')
  await mkdir(place, { mode: 0o700 })
  const file = join(place, 'config.jsonc')
  const write = async (given: object | string): Promise<void> => {
    const stores = { default: { type: 'file', path: '../store' } }
    const text =
      typeof given === 'string' ? given : JSON.stringify({ version: 1, stores, ...given }, undefined, 2)
    await writeFile(file, text, { mode: 0o600 })
    await chmod(file, 0o600)
  }
  await write(config)
  const start = (words: readonly string[], env: NodeJS.ProcessEnv = {}): Running => {
    const own = { PATH: process.env['PATH'], HOME: folder, LLM_REFRESH_CONFIG: file, CI: 'true', ...env }
    return watch(spawn(process.execPath, [bundle, ...words], { cwd: folder, env: own }))
  }
  const run = (words: readonly string[], env?: NodeJS.ProcessEnv): Promise<Ended> => {
    const { child, ended } = start(words, env)
    child.stdin.end()
    return ended
  }
  return { folder, config: file, store: join(folder, 'store'), write, start, run }
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
