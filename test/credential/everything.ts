import { inspect } from 'node:util'

/** All that can be read off a value, of its prototypes and of what it holds, too: enumerable or not. */
export function everythingIn(value: unknown, seen: Set<unknown> = new Set()): string {
  if (typeof value === 'string') return value
  if ((typeof value !== 'object' && typeof value !== 'function') || value === null) return String(value)
  if (seen.has(value)) return ''
  seen.add(value)
  const parts: string[] = [inspect(value, { depth: 9, showHidden: true, getters: true })]
  for (let of: unknown = value; typeof of === 'object' && of !== null; of = Object.getPrototypeOf(of)) {
    for (const name of Reflect.ownKeys(of)) {
      let member: unknown
      try {
        member = Reflect.get(value, name)
      } catch {
        continue
      }
      parts.push(String(name), everythingIn(member, seen))
    }
  }
  return parts.join('\n')
}
