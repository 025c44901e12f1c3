/** A built-in module of Node, or undefined if this runtime lacks it. Looked up at run time, because the core must not import `node:`. */
export function builtinModule(name: string): unknown {
  try {
    const process: unknown = Reflect.get(globalThis, 'process')
    const lookUp: unknown = Reflect.get(Object(process), 'getBuiltinModule')
    return typeof lookUp === 'function' ? Reflect.apply(lookUp, process, [`node:${name}`]) : undefined
  } catch {
    return undefined // a runtime that knows the name and refuses the module
  }
}
