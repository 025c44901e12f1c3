import { startTimer } from '../../lib/clock.ts'

/** The limits of a response. */
export interface Silence {
  /** ms after the statement was sent */
  readonly silence: number
  /** ms until it is sent */
  readonly timeout: number
  /** True once the statement was sent. Default: it was. */
  readonly isSent?: (() => boolean) | undefined
}

/** Rejects if a sent statement gets no response in time. */
export function heard<R>(
  response: PromiseLike<R>,
  { silence, timeout, isSent = () => true }: Silence,
): Promise<R> {
  const began = performance.now()
  return new Promise((resolve, reject) => {
    let stop = (): void => undefined
    const judge = (): void => {
      if (isSent()) reject(timedOut(`The server did not respond within ${silence} ms.`))
      else if (performance.now() - began >= timeout) reject(noneFree(timeout))
      else listen()
    }
    // After a process was stopped, its timers fire first: we read what has arrived before we judge the connection.
    const listen = (): void => {
      stop = startTimer({ now: Date.now }, silence, () => afterReading(() => hasSettled || judge()))
    }
    let hasSettled = false
    const settled = (): void => {
      hasSettled = true
      stop()
    }
    listen()
    response.then(
      (result) => {
        settled()
        resolve(result)
      },
      (error: unknown) => {
        settled()
        reject(asError(error))
      },
    )
  })
}

/** @param timeout ms */
export function noneFree(timeout: number): Error {
  return timedOut(`No connection of the pool became free within ${timeout} ms.`)
}

function timedOut(message: string): Error {
  return Object.assign(new Error(message), { code: 'ETIMEDOUT' })
}

export function asError(error: unknown): Error {
  return error instanceof Error
    ? error
    : new Error('Something was thrown that is no error.', { cause: error })
}

/** Runs something when the platform has handed out what had arrived. */
function afterReading(run: () => void): void {
  const immediate: unknown = Reflect.get(globalThis, 'setImmediate')
  if (typeof immediate !== 'function') {
    setTimeout(run, 0)
    return
  }
  // More than one round: an encrypted or long response comes in more than one piece.
  const rounds = (left: number): void => {
    if (left === 0) run()
    else Reflect.apply(immediate, globalThis, [() => rounds(left - 1)])
  }
  rounds(3)
}
