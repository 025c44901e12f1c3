/** Node's `util.inspect` and `console.log` call this method to print an object. Bun and Deno's `node:util` call it, too. */
const INSPECT = Symbol.for('nodejs.util.inspect.custom')

/**
 * Makes an object show its name and its facts in a console. It is a property of the object, for a method under this symbol has no
 * place in a declaration file.
 *
 * @param facts without secrets
 */
export function printAs(object: object, name: string, facts: () => object): void {
  // A console hands on its options and its own function; without that there is only the name.
  const value = (_depth: unknown, options: unknown, inspect?: unknown): string =>
    typeof inspect === 'function'
      ? `${name} ${String(Reflect.apply(inspect, undefined, [facts(), options]))}`
      : name
  Object.defineProperty(object, INSPECT, { value, configurable: true })
}

/** Does the object choose what it shows? */
export function isPrintable(object: object): boolean {
  return INSPECT in object
}
