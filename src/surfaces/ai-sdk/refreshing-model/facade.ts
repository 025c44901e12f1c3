/** Makes one call of a method of a model. */
export type CallMethod = (name: string, given: readonly unknown[]) => Promise<unknown>

/** How the AI SDK names what a model does. */
const DOES = /^do[A-Z]/

/**
 * An object that looks like the model, but whose `do…` methods are `call`. All else is read from the model itself, at once: it
 * depends on no credential.
 */
export function facadeOf<M extends object>(model: M, call: CallMethod): M
export function facadeOf(model: object, call: CallMethod): object {
  const facade = {}
  const methods = methodsOf(model)
  for (const [name, enumerable] of propertiesOf(model)) {
    const property = methods.has(name)
      ? { value: (...given: unknown[]): Promise<unknown> => call(String(name), given) }
      : { get: (): unknown => read(model, name) }
    Object.defineProperty(facade, name, { ...property, enumerable, configurable: true })
  }
  Object.setPrototypeOf(facade, Reflect.getPrototypeOf(model))
  return facade
}

/** The names of the methods that a model is called by. */
export function methodsOf(model: object): Set<string | symbol> {
  const names = [...propertiesOf(model).keys()]
  return new Set(
    names.filter(
      (name) => typeof name === 'string' && DOES.test(name) && typeof Reflect.get(model, name) === 'function',
    ),
  )
}

/** Own and inherited: most of a real model is its prototype's. By name, whether they are listed. */
function propertiesOf(model: object): Map<string | symbol, boolean> {
  const found = new Map<string | symbol, boolean>()
  let from: object | null = model
  while (from !== null && from !== Object.prototype) {
    for (const name of Reflect.ownKeys(from)) {
      if (name !== 'constructor' && !found.has(name)) {
        found.set(name, Object.prototype.propertyIsEnumerable.call(from, name))
      }
    }
    from = Reflect.getPrototypeOf(from)
  }
  return found
}

/** Getters and methods of a class may need what is private to it. */
function read(model: object, name: string | symbol): unknown {
  const value: unknown = Reflect.get(model, name)
  return typeof value === 'function'
    ? (...given: unknown[]): unknown => Reflect.apply(value, model, given)
    : value
}
