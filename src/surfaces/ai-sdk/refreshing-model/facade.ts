/** Makes one call of a method of a model. */
export type CallMethod = (name: string, given: readonly unknown[]) => Promise<unknown>

/** The names of the methods that make a model's calls. */
const DOES = /^do[A-Z]/
/** Properties that every function has. */
const OF_FUNCTIONS: ReadonlySet<string | symbol> = new Set([
  'length',
  'name',
  'prototype',
  'arguments',
  'caller',
  Symbol.toStringTag,
])

/**
 * An object that looks like the model. Its `do…` methods run `call`. It reads everything else directly from the model, because nothing else
 * depends on the credential.
 */
export function facadeOf<M extends object>(model: M, call: CallMethod): M
export function facadeOf(model: object, call: CallMethod): object {
  const methods = methodsOf(model)
  return lookalike(model, {}, (name) =>
    methods.has(name)
      ? { value: (...given: unknown[]): Promise<unknown> => call(String(name), given) }
      : { get: (): unknown => read(model, name) },
  )
}

/**
 * Gives `facade` the prototype of `original`, and a property for each own or inherited property of `original`, equally enumerable.
 *
 * @param property makes the facade's property
 */
export function lookalike(
  original: object,
  facade: object,
  property: (name: string | symbol, original: PropertyDescriptor) => PropertyDescriptor,
): object {
  for (const [name, descriptor] of propertiesOf(original)) {
    const enumerable = descriptor.enumerable === true
    Object.defineProperty(facade, name, { ...property(name, descriptor), enumerable, configurable: true })
  }
  Object.setPrototypeOf(facade, Reflect.getPrototypeOf(original))
  return facade
}

/** The names of the model's `do…` methods. */
export function methodsOf(model: object): Set<string | symbol> {
  const names = [...propertiesOf(model).keys()]
  return new Set(
    names.filter(
      (name) => typeof name === 'string' && DOES.test(name) && typeof Reflect.get(model, name) === 'function',
    ),
  )
}

/** Own and inherited properties, by name: a real model inherits most of its own from a prototype. */
export function propertiesOf(model: object): Map<string | symbol, PropertyDescriptor> {
  const found = new Map<string | symbol, PropertyDescriptor>()
  const isFunction = typeof model === 'function'
  let from: object | null = model
  while (from !== null && from !== Object.prototype && from !== Function.prototype) {
    for (const name of Reflect.ownKeys(from)) {
      if (name === 'constructor' || found.has(name) || (isFunction && OF_FUNCTIONS.has(name))) continue
      const descriptor = Reflect.getOwnPropertyDescriptor(from, name)
      if (descriptor !== undefined) found.set(name, descriptor)
    }
    from = Reflect.getPrototypeOf(from)
  }
  return found
}

/** Reads on the model itself, because the getters and methods of a class may need its private fields. */
function read(model: object, name: string | symbol): unknown {
  const value: unknown = Reflect.get(model, name)
  return typeof value === 'function'
    ? (...given: unknown[]): unknown => Reflect.apply(value, model, given)
    : value
}
