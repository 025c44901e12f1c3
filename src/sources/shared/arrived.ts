/** After so many turns of the event loop without new input, all input that has arrived is read. */
const QUIET_TURNS = 4
/** After so many turns the timer decides, even if more input arrives. */
const MOST_TURNS = 100

/**
 * Waits until all input that has arrived is read. A timer calls this before it decides anything: a process that was frozen (a paused container,
 * a closed laptop) wakes with an overdue timer and with the response in its socket, and the event loop runs timers first.
 *
 * @param progress returns the number of pieces that were read so far
 */
export async function inputIsRead(progress: () => number): Promise<void> {
  let seen = progress()
  for (let turns = 0, quiet = 0; turns < MOST_TURNS && quiet < QUIET_TURNS; turns++) {
    await turn()
    quiet = progress() === seen ? quiet + 1 : 0
    seen = progress()
  }
}

/** Uses the platform's own timer, not the clock of a test, because the event loop must really turn. */
function turn(): Promise<void> {
  return new Promise((resolve) => globalThis.setTimeout(resolve, 0))
}
