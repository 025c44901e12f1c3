import { startTimer } from '../../lib/clock.ts'

/** The time limits of a statement. */
export interface Silence {
  /** ms: how long the response may take after the statement was sent */
  readonly silence: number
  /** ms: how long the statement may wait until it is sent */
  readonly timeout: number
  /** True once the statement was sent. Default: it was sent at once. */
  readonly isSent?: (() => boolean) | undefined
}

/** Settles with the response, or rejects if the statement is not sent, or gets no response, in time. */
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
    // After a process was stopped, its timers fire first. So let the process read input that has arrived before we judge the connection.
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

/** Calls `run` once the platform has handed out input that has arrived. */
function afterReading(run: () => void): void {
  const immediate: unknown = Reflect.get(globalThis, 'setImmediate')
  if (typeof immediate !== 'function') {
    setTimeout(run, 0)
    return
  }
  // Several rounds, because an encrypted or long response comes in several pieces.
  const rounds = (left: number): void => {
    if (left === 0) run()
    else Reflect.apply(immediate, globalThis, [() => rounds(left - 1)])
  }
  rounds(3)
}
