import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'

setFlagsFromString('--expose-gc')
const gc: unknown = runInNewContext('gc')

/** Collects garbage now: when it returns, unreachable objects are gone. */
export function collectGarbage(): void {
  if (typeof gc !== 'function') throw new Error('this platform does not collect garbage on demand')
  Reflect.apply(gc, undefined, [])
}
