/** Turns of the event loop that input gets: a response takes several turns from its socket to its caller. */
const TURNS = 8
/** A timer that fires this late (ms) shows that the process was frozen, or is very busy. */
const LATE = 50
/** After a freeze, input gets this much time (ms) besides its turns: decompression, for one, runs on another thread. */
const GRACE = 100

/**
 * Calls `run` once the process has read input that has arrived.
 *
 * @param late ms that the caller's timer fired late
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

/** Settles once the process has read input that has arrived. It always gives input the longer time, because no timer tells how late it is. */
export function inputWasRead(): Promise<void> {
  return new Promise((resolve) => void afterInput(LATE, resolve))
}

/** Calls `run` in the next turn of the event loop. It keeps the process alive until then, because an idle loop would take no further turn. */
function nextTurn(run: () => void): void {
  const setImmediate: unknown = Reflect.get(globalThis, 'setImmediate')
  if (typeof setImmediate === 'function') Reflect.apply(setImmediate, undefined, [run])
  else setTimeout(run, 0)
}

let turn: object | undefined

/**
 * The present turn of the event loop: the same object for all calls within it. Cloudflare cancels a request's timers together with the
 * request, so no timer can end a turn there: a microtask ends it. The same holds on a platform without `setImmediate`.
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
