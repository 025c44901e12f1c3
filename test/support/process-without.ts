import { vi } from 'vitest'

/** Takes a member of `process` away until `vi.unstubAllGlobals()`. The others stay: Node's own channel to the test runner needs them. */
export function processWithout(member: 'env' | 'getBuiltinModule'): void {
  vi.stubGlobal('process', Object.create(process, { [member]: { value: undefined } }))
}
