/** Node's `util.inspect` and `console.log` call this method to print an object. Bun and Deno's `node:util` call it, too. */
const INSPECT = Symbol.for('nodejs.util.inspect.custom')

/**
 * Makes an object show its name and its facts in a console. This defines a property at run time, because a method under this symbol would
 * appear in the declaration file.
 *
 * @param facts without secrets
 */
export function printAs(object: object, name: string, facts: () => object): void {
  // The console hands its options and its `inspect` function to this method. A caller without that function gets only the name.
  const value = (_depth: unknown, options: unknown, inspect?: unknown): string =>
    typeof inspect === 'function'
      ? `${name} ${String(Reflect.apply(inspect, undefined, [facts(), options]))}`
      : name
  Object.defineProperty(object, INSPECT, { value, configurable: true })
}

/** True if the object decides what a console shows of it. */
export function isPrintable(object: object): boolean {
  return INSPECT in object
}
