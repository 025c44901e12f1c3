/**
 * A module of the runtime, such as `node:async_hooks`; undefined on a runtime that has none, such as a browser. It is looked up at run time,
 * for what runs anywhere must not import `node:`.
 */
export function builtinModule(name: string): unknown {
  try {
    const process: unknown = Reflect.get(globalThis, 'process')
    const lookUp: unknown = Reflect.get(Object(process), 'getBuiltinModule')
    return typeof lookUp === 'function' ? (Reflect.apply(lookUp, process, [name]) as unknown) : undefined
  } catch {
    return undefined // a runtime that knows the name and refuses the module
  }
}
