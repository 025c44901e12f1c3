export interface Walk {
  /** The functions that the walk called, in order, such as `files().uploadFile`. */
  readonly called: string[]
  /** Resolves when all promises of the called functions have settled. */
  readonly over: Promise<unknown>
}

/** The argument of called functions. It is complete enough that most of them send a request. */
const OPTIONS = {
  model: 'model-1',
  prompt: [{ role: 'user', content: [{ type: 'text', text: 'Hello' }] }],
  values: ['a'],
  documents: { type: 'text', values: ['a'] },
  query: 'a',
  text: 'Hello',
  audio: new Uint8Array([1, 2, 3]),
  mediaType: 'audio/wav',
  data: { type: 'text', text: 'Hello' },
  file: 'file-1',
  files: [],
  requests: [],
  id: 'id-1',
  n: 1,
  providerOptions: {},
  headers: {},
}

/**
 * Reads every property and calls every function of a provider, and of the objects that it returns: models, `files()`, namespaces. It does not
 * call the functions of tools, which are data.
 */
export function walkProvider(provider: object): Walk {
  const called: string[] = []
  const running: Promise<unknown>[] = []

  function visit(thing: unknown, path: string, depth: number): void {
    if (thing instanceof Promise) running.push(thing.then(undefined, () => undefined))
    if (depth === 0 || (typeof thing !== 'object' && typeof thing !== 'function') || thing === null) return
    if (Object.prototype.toString.call(thing) === '[object Object]' || typeof thing === 'function') {
      for (const name of namesOf(thing)) {
        const value: unknown = Reflect.get(thing, name)
        const at = `${path}.${String(name)}`
        if (typeof value === 'function' && !at.includes('.tools.')) call(value, thing, at, depth)
        else visit(value, at, depth - 1)
      }
    }
  }

  function call(method: object, owner: unknown, path: string, depth: number): void {
    called.push(path)
    // The provider's own functions expect the id of a model.
    const given = path.includes('()') || /\.(?:get|list)[A-Z]/.test(path) ? OPTIONS : 'model-1'
    try {
      visit(Reflect.apply(method as () => unknown, owner, [given]), `${path}()`, depth - 1)
    } catch {
      // The function expects another argument, or there is no such model.
    }
    if (namesOf(method).length > 0) visit(method, path, depth - 1)
  }

  if (typeof provider === 'function') call(provider, undefined, '', 4)
  visit(provider, '', 4)
  return { called, over: Promise.all(running) }
}

function namesOf(thing: object): (string | symbol)[] {
  const names = new Set<string | symbol>()
  const isFunction = typeof thing === 'function'
  let from: object | null = thing
  while (from !== null && from !== Object.prototype && from !== Function.prototype) {
    for (const name of Reflect.ownKeys(from)) names.add(name)
    from = Reflect.getPrototypeOf(from)
  }
  const skipped = [
    'constructor',
    ...(isFunction ? ['length', 'name', 'prototype', 'arguments', 'caller'] : []),
  ]
  return [...names].filter((name) => typeof name === 'string' && !skipped.includes(name))
}
