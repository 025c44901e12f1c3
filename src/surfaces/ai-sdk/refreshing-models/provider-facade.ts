import type { Wrapper } from '../../shared/wrapper.ts'
import { assertSameKind } from '../model.ts'
import { ModelCalls } from '../refreshing-model/calls.ts'
import { lookalike, propertiesOf } from '../refreshing-model/facade.ts'
import { isData, type Kind, kindOf, mannerOf, maySend } from './kind.ts'
import { chained, invoked, isPromise, type Place, propertyOf, resultOf, ROOT } from './place.ts'

type Name = string | symbol
type Anything = (...given: unknown[]) => unknown

/** An object that a provider returns, and where to find it in the current provider. */
interface Owner {
  /** The object in the provider that was built with the placeholder. */
  readonly shape: object
  readonly place: Place
  readonly kind: Kind
  readonly calls: ModelCalls<object>
  /** The last object that was found to be of the same kind, so that each is checked once. */
  checked: unknown
}

/** The facade of a property, and the value that this facade stands for. */
interface Known {
  original: unknown
  facade: unknown
}

/** Makes the facade of a provider. It looks like the provider that was built with the placeholder, and calls the current provider. */
export class ProviderFacade {
  readonly #wrapper: Wrapper<object>

  constructor(wrapper: Wrapper<object>) {
    this.#wrapper = wrapper
  }

  /** The facade of an object that the provider returns. Data is returned unchanged. */
  of(shape: object, place?: Place, kind?: Kind): object
  of(shape: unknown, place?: Place, kind?: Kind): unknown
  of(shape: unknown, place: Place = ROOT, kind: Kind = 'provider'): unknown {
    if (isData(shape) || !isObject(shape)) return shape
    const owner = this.#owner(shape, place, kindOf(shape) ?? kind)
    if (typeof shape !== 'function') return this.#dressed(owner, {})
    return this.#dressed(owner, this.#method(owner, undefined, shape))
  }

  #owner(shape: object, place: Place, kind: Kind): Owner {
    const provider: unknown = Reflect.get(shape, 'provider')
    const calls = new ModelCalls(this.#wrapper, typeof provider === 'string' ? provider : place.name)
    return { shape, place, kind, calls, checked: shape }
  }

  /** Gives a facade the members of the object that it stands for. */
  #dressed(owner: Owner, facade: object): object {
    return lookalike(owner.shape, facade, (name, property) => {
      const value: unknown = property.value
      if (typeof value === 'function' && propertiesOf(value).size === 0) {
        return { value: this.#method(owner, name, value), writable: true }
      }
      // Make the facade of a value with properties only when a caller reads it: the value may lead back here.
      const known: Known = { original: undefined, facade: undefined }
      return { get: () => this.#read(owner, name, known) }
    })
  }

  #read(owner: Owner, name: Name, known: Known): unknown {
    const inForce = this.#inForce(owner, name)
    if (inForce !== undefined && isData(inForce.value)) return inForce.value
    const original: unknown = Reflect.get(owner.shape, name)
    // Tools are returned unchanged: they hold no credential.
    if (isData(original) || name === 'tools') return original
    if (known.original !== original) {
      known.original = original
      known.facade = this.#member(owner, name, original)
    }
    return known.facade
  }

  #member(owner: Owner, name: Name, original: unknown): unknown {
    const place = propertyOf(owner.place, name)
    const kind = owner.kind === 'model' ? 'part' : owner.kind
    if (typeof original !== 'function') return this.of(original, place, kind)
    return this.#dressed(this.#owner(original, place, kind), this.#method(owner, name, original))
  }

  /** Reads a property of the current provider, if that provider is already built. It builds nothing, and waits for nothing. */
  #inForce({ place }: Owner, name: Name): { readonly value: unknown } | undefined {
    const provider = this.#wrapper.refresher.peek()?.value
    if (provider === undefined) return undefined
    try {
      const found = place.find(provider)
      return isObject(found) && !isPromise(found) ? { value: Reflect.get(found, name) } : undefined
    } catch {
      return undefined // The call that needs the property will report the error.
    }
  }

  /** The facade of a function. Without a name, that function is the owner itself. */
  #method(owner: Owner, name: Name | undefined, original: object): Anything {
    const manner = mannerOf(owner.kind, name, original)
    const facade: Anything = (...given) => {
      if (manner === 'retried') return this.#retried(owner, name, given)
      return manner === 'builds' ? this.#built(owner, name, given) : this.#now(owner, name, given, original)
    }
    for (const field of ['name', 'length']) {
      Object.defineProperty(facade, field, { value: Reflect.get(original, field), configurable: true })
    }
    return facade
  }

  /** @param begun the first attempt's result, if that attempt has already run */
  #retried(
    owner: Owner,
    name: Name | undefined,
    given: readonly unknown[],
    begun?: PromiseLike<unknown>,
  ): Promise<unknown> {
    let first = begun
    // Mark a rejected promise as handled, because the call may end before it uses `first`.
    first?.then(undefined, () => undefined)
    const attempt = async (provider: object): Promise<unknown> => {
      const running =
        first ?? chained(owner.place.find(provider), (found) => this.#run(owner, found, name, given))
      first = undefined
      return running
    }
    const result = owner.calls.call(String(name ?? 'call'), given, attempt)
    return owner.kind === 'model' ? result : result.then((value) => this.#adopted(value, owner, name, given))
  }

  #run(owner: Owner, found: unknown, name: Name | undefined, given: readonly unknown[]): unknown {
    if (owner.kind === 'model' && found !== owner.checked) {
      assertSameKind(found, owner.shape)
      owner.checked = found
    }
    return invoked(found, name, given)
  }

  /**
   * Calls a function that builds something on the placeholder's provider. The result's facade stands for what the current provider will
   * build.
   */
  #built(owner: Owner, name: Name | undefined, given: readonly unknown[]): unknown {
    const shape = invoked(owner.shape, name, given)
    if (isPromise(shape)) {
      shape.then(undefined, () => undefined)
      return this.#retried(owner, name, given)
    }
    const place = resultOf(owner.place, name, given)
    if (!isData(shape)) return this.of(shape, place, 'api')
    const inForce = this.#usable() ?? this.#wrapper.refresher.peek()?.value
    return inForce === undefined ? shape : place.find(inForce)
  }

  /**
   * Calls a function on the current provider, and returns its result at once. If there is no usable provider yet, a function that may send
   * a request waits for one.
   */
  #now(owner: Owner, name: Name | undefined, given: readonly unknown[], original: object): unknown {
    const usable = this.#usable()
    if (usable === undefined && maySend(name, original)) return this.#retried(owner, name, given)
    const provider = usable ?? this.#wrapper.refresher.peek()?.value
    const found = provider === undefined ? owner.shape : owner.place.find(provider)
    const result = chained(found, (each) => this.#run(owner, each, name, given))
    if (!isPromise(result)) return this.#adopted(result, owner, name, given)
    // A result counts as the first attempt only if it came from a usable provider.
    if (usable !== undefined) return this.#retried(owner, name, given, result)
    result.then(undefined, () => undefined)
    return this.#retried(owner, name, given)
  }

  #usable(): object | undefined {
    return this.#wrapper.refresher.usable?.()?.value
  }

  /** Makes a facade for a model or a provider that a function returned, because its credential will go stale, too. */
  #adopted(result: unknown, owner: Owner, name: Name | undefined, given: readonly unknown[]): unknown {
    const isCallable = isObject(result) && !isPromise(result) && kindOf(result) !== undefined
    return isCallable ? this.of(result, resultOf(owner.place, name, given)) : result
  }
}

function isObject(thing: unknown): thing is object {
  return (typeof thing === 'object' && thing !== null) || typeof thing === 'function'
}
