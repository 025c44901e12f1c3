import { has } from './binaries.ts'
import { makePrograms } from './programs.ts'

/** Installs the servers before any test, because that may take longer than the timeout of a test. */
export async function setup(): Promise<() => Promise<void>> {
  await has('redis-server', 'redis-server')
  await has('redis-cli', 'redis-tools')
  await has('ip', 'iproute2')
  await has('postgres', 'postgresql')
  const { makeTemplate } = await import('./postgres-server.ts')
  const removals = await Promise.all([makeTemplate(), makePrograms()])
  return async () => {
    await Promise.all(removals.map((remove) => remove()))
  }
}
