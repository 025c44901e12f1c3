import { RefreshError } from '../../../errors.ts'

/** Where to find the same object in every provider that is built: the provider itself, a property, or a function's result. */
export interface Place {
  /** The place as a user would write it: `files()`. */
  readonly name: string
  /** Finds the object in a provider. Returns a promise if a function on the way returns one. */
  find(provider: object): unknown
}

/** The provider itself. */
export const ROOT: Place = { name: '', find: (provider) => provider }

/** A property of the object at a place. */
export function propertyOf(place: Place, name: string | symbol): Place {
  return {
    name: joined(place, name),
    find: (provider) => chained(place.find(provider), (owner) => Reflect.get(Object(owner), name)),
  }
}

/** The result of a function at a place. The function is called once for each provider. */
export function resultOf(place: Place, name: string | symbol | undefined, given: readonly unknown[]): Place {
  const results = new WeakMap<object, unknown>()
  return {
    name: `${name === undefined ? place.name : joined(place, name)}()`,
    find: (provider) => {
      if (results.has(provider)) return results.get(provider)
      const result = chained(place.find(provider), (owner) => invoked(owner, name, given))
      results.set(provider, result)
      // Forget a failure, so that the next caller tries again. This caller receives it.
      if (isPromise(result)) result.then(undefined, () => results.delete(provider))
      return result
    },
  }
}

/**
 * Calls the function `name` of `owner`, or `owner` itself if there is no name.
 *
 * @throws RefreshError `invalid_provider` if there is no such function; any error that the function throws
 */
export function invoked(
  owner: unknown,
  name: string | symbol | undefined,
  given: readonly unknown[],
): unknown {
  const called: unknown = name === undefined ? owner : Reflect.get(Object(owner), name)
  if (typeof called === 'function')
    return Reflect.apply(called, name === undefined ? undefined : owner, given)
  throw new RefreshError(
    'invalid_provider',
    `The provider that was built with the token in force lacks ${name === undefined ? 'its function' : String(name)}, which the first one had: build the same kind of provider with every token.`,
  )
}

/** Continues at once with a value, or later with the value of a promise. */
export function chained(value: unknown, goOn: (value: unknown) => unknown): unknown {
  return isPromise(value) ? value.then(goOn) : goOn(value)
}

export function isPromise(value: unknown): value is PromiseLike<unknown> {
  return typeof value === 'object' && value !== null && 'then' in value && typeof value.then === 'function'
}

function joined({ name }: Place, more: string | symbol): string {
  return name === '' ? String(more) : `${name}.${String(more)}`
}
