import { Worker } from 'node:worker_threads'
import { onTestFinished } from 'vitest'
import { type Printing, printing } from './printing.ts'

/** What a thread tells of the command that it runs. */
interface Told {
  readonly stdout?: string
  readonly stderr?: string
  readonly code?: number
}

/** Threads whose last command has ended. */
const idle: Worker[] = []

/**
 * Runs the built command in a thread that waits for one: it starts in a tenth of what a process takes. It has an environment and streams of its
 * own, and ends as a process does, when nothing is left to wait for. It shares the process, and with it the working folder, the signals, the
 * CAs and the pid.
 */
export function inThread(bundle: string, words: readonly string[], env: NodeJS.ProcessEnv): Printing {
  const thread =
    idle.pop() ??
    new Worker(new URL('thread-worker.mjs', import.meta.url), { workerData: bundle, env: {}, execArgv: [] })
  thread.ref()
  let isDone = false
  onTestFinished(async () => {
    if (!isDone) await thread.terminate()
  })
  const running = printing(
    (add) =>
      new Promise((resolve, reject) => {
        const done = (code: number): void => {
          isDone = true
          for (const name of ['message', 'exit', 'error']) thread.removeAllListeners(name)
          resolve({ code, signal: null })
        }
        thread.on('message', ({ stdout, stderr, code }: Told) => {
          if (stdout !== undefined) add('stdout', stdout)
          if (stderr !== undefined) add('stderr', stderr)
          if (code === undefined) return
          done(code)
          thread.unref()
          idle.push(thread)
        })
        // The command has called `process.exit()`: a thread that did cannot run another one.
        thread.on('exit', done)
        thread.on('error', reject)
      }),
  )
  // eslint-disable-next-line unicorn/require-post-message-target-origin -- a thread, not a window
  thread.postMessage({ words, env })
  return running
}
