import { vi } from 'vitest'

/** Hides a member of `process` until `vi.unstubAllGlobals()`. The other members stay, because Node's channel to the test runner needs them. */
export function processWithout(member: 'env' | 'getBuiltinModule'): void {
  vi.stubGlobal('process', Object.create(process, { [member]: { value: undefined } }))
}
