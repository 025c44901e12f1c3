import { type ChildProcess, spawn } from 'node:child_process'
import { basename } from 'node:path'
import type { SourceContext } from '../../credential/source.ts'
import { RefreshError } from '../../errors.ts'
import { startTimer } from '../../lib/clock.ts'
import { inputIsRead } from '../shared/arrived.ts'
import { decodeText } from '../shared/decode-text.ts'
import { notStarted } from './not-started.ts'
import type { CommandSettings } from './options.ts'
import { endGroup, endWithUs, hasGroups } from './process-group.ts'

/**
 * Runs a command, and returns its output once it has exited with code 0. If the command times out, prints too much or is aborted, its
 * processes are ended before this settles.
 *
 * @throws RefreshError. It shows the name of the executable, and neither its arguments nor its output. After an abort: the signal's reason.
 */
export async function run(settings: CommandSettings, context: SourceContext): Promise<string> {
  const { signal } = context
  signal.throwIfAborted()
  const running = new Running(settings, settings.argsFor(context))
  const abort = (): void => running.cutShort(signal.reason)
  signal.addEventListener('abort', abort)
  const stopTimer = startTimer(settings.clock, settings.timeout, () => void running.timeOut())
  try {
    return await running.output()
  } finally {
    stopTimer()
    signal.removeEventListener('abort', abort)
  }
}

type Exit = readonly [code: number | null, killedBy: string | null]

/** One run of a command. */
class Running {
  readonly #settings: CommandSettings
  readonly #name: string
  readonly #child: ChildProcess
  readonly #exit: Promise<Exit>
  readonly #printed: Buffer[] = []
  #setCutOff: () => void = () => undefined
  /** Settles when `endGroup` has ended a command that was cut short. */
  readonly #cutOff = new Promise<undefined>((resolve) => {
    this.#setCutOff = () => resolve(undefined)
  })
  #size = 0
  /** Number of pieces that arrived on stdout and stderr. */
  #pieces = 0
  #isOver = false
  /** Why the command was cut short. `ended` settles when its processes have ended. */
  #cut: { readonly reason: unknown; readonly ended: Promise<void> } | undefined

  constructor(settings: CommandSettings, args: readonly string[]) {
    this.#settings = settings
    this.#name = basename(settings.file)
    this.#child = start(settings, args)
    this.#exit = new Promise((resolve, reject) => {
      this.#child.once('error', (cause) => reject(notStarted(settings, cause)))
      this.#child.once('exit', (...exit) => resolve(exit))
    })
    const { stdout, stderr } = this.#child
    stdout?.on('data', (piece: Buffer) => this.#take(piece)).on('error', ignore)
    stderr
      ?.setEncoding('utf8')
      .on('data', (piece: string) => this.#tell(piece))
      .on('error', ignore)
  }

  async output(): Promise<string> {
    const { pid } = this.#child
    const forget = pid === undefined ? () => undefined : endWithUs(pid)
    try {
      // SIGKILL does not end a process that waits for a lost disk, so we do not wait for its exit.
      const exit = await Promise.race([this.#exit, this.#cutOff])
      if (exit !== undefined) await this.#drained()
      if (this.#cut) {
        await this.#cut.ended
        throw this.#cut.reason
      }
      const [code, killedBy] = exit ?? [null, null]
      if (code === 0) return decodeText(Buffer.concat(this.#printed))
      const how = code === null ? `was ended by ${killedBy}` : `exited with code ${code}`
      throw new RefreshError('source_refused', `${this.#name} ${how}: what it wrote to stderr says why.`)
    } finally {
      this.#isOver = true
      forget()
      if (this.#cut) this.#child.unref()
      // A process that the command left running may hold the streams open.
      this.#child.stdout?.destroy()
      this.#child.stderr?.destroy()
    }
  }

  async timeOut(): Promise<void> {
    const { timeout } = this.#settings
    await inputIsRead(() => this.#pieces)
    if (this.#isOver) return
    const message = `${this.#name} did not end within ${timeout} ms: does it wait for a person, or need longer?`
    this.cutShort(new RefreshError('source_unreachable', message))
  }

  cutShort(reason: unknown): void {
    const { pid } = this.#child
    if (pid === undefined || this.#cut !== undefined) return
    const ended = endGroup(pid, this.#settings.clock)
    this.#cut = { reason, ended }
    void ended.then(this.#setCutOff)
  }

  #take(piece: Buffer): void {
    const { maxOutput } = this.#settings
    this.#pieces++
    this.#size += piece.length
    if (this.#size <= maxOutput) this.#printed.push(piece)
    else {
      this.cutShort(
        new RefreshError(
          'source_invalid',
          `${this.#name} printed more than the ${maxOutput} bytes that it may: is it the right command?`,
        ),
      )
    }
  }

  #tell(piece: string): void {
    this.#pieces++
    try {
      this.#settings.onStderr?.(piece)
    } catch {
      // A callback that throws must not end the run.
    }
  }

  /**
   * Settles when all output of the command has arrived. A process that the command left running may hold the streams open, so we do not wait
   * for their end. The event loop reads whatever is in a pipe in its next turn.
   */
  async #drained(): Promise<void> {
    for (let before = -1; before < this.#pieces && this.#cut === undefined;) {
      before = this.#pieces
      await turn()
      await turn()
    }
  }
}

/** Starts the command without a shell and without stdin, in its own process group, so that one signal ends all its processes. */
function start(settings: CommandSettings, args: readonly string[]): ChildProcess {
  const { file, env, cwd, onStderr } = settings
  try {
    return spawn(file, args, {
      // oxlint-disable-next-line node/no-process-env -- the option adds to this process's environment
      env: { ...process.env, ...env },
      cwd,
      shell: false,
      detached: hasGroups,
      windowsHide: true,
      stdio: ['ignore', 'pipe', onStderr ? 'pipe' : 'inherit'],
    })
  } catch (cause) {
    throw notStarted(settings, cause)
  }
}

function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve))
}

function ignore(): void {}
