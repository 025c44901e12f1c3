/** Turns of the event loop that input gets: a response takes several from its socket to the caller that waits for it. */
const TURNS = 8
/** A timer that is this late (ms) shows that the process was frozen, or is very busy. */
const LATE = 50
/** Then input gets this long (ms), too: decompression, for one, is done on another thread. */
const GRACE = 100

/**
 * Runs something once input that has arrived was read.
 *
 * @param late ms that the timer which decides fired late
 * @returns a function that stops it
 */
export function afterInput(late: number, run: () => void): () => void {
  let isStopped = false
  let left = TURNS
  let timer: ReturnType<typeof setTimeout> | undefined
  const turn = (): void => {
    if (isStopped) return
    if (left-- > 0) return nextTurn(turn)
    if (late < LATE) return run()
    late = 0
    left = TURNS
    timer = setTimeout(turn, GRACE)
  }
  turn()
  return () => {
    isStopped = true
    clearTimeout(timer)
  }
}

/** Settles once input that has arrived was read, however late that is asked. */
export function inputWasRead(): Promise<void> {
  return new Promise((resolve) => void afterInput(LATE, resolve))
}

/** Runs something in the next turn of the event loop. It keeps the process alive for that turn: an idle loop would not take it otherwise. */
function nextTurn(run: () => void): void {
  const setImmediate: unknown = Reflect.get(globalThis, 'setImmediate')
  if (typeof setImmediate === 'function') Reflect.apply(setImmediate, undefined, [run])
  else setTimeout(run, 0)
}

let turn: object | undefined

/**
 * The turn of the event loop that runs now, by identity. Cloudflare ends what a request scheduled with the request, so the end of a
 * turn cannot be scheduled there: a turn ends with the microtasks that are queued. So it does where there is no `setImmediate`.
 */
export function currentTurn(): object {
  if (turn !== undefined) return turn
  const begun = {}
  turn = begun
  const end = (): void => {
    if (turn === begun) turn = undefined
  }
  if (endsTurnsItself()) nextTurn(end)
  else void Promise.resolve().then(end)
  return begun
}

function endsTurnsItself(): boolean {
  const { navigator }: { navigator?: { userAgent?: string } } = globalThis
  return (
    typeof Reflect.get(globalThis, 'setImmediate') === 'function' &&
    navigator?.userAgent !== 'Cloudflare-Workers'
  )
}
