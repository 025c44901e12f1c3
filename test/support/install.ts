import { has } from './binaries.ts'

/** Before any test, for it may take longer than a test may. */
export async function setup(): Promise<() => Promise<void>> {
  await has('redis-server', 'redis-server')
  await has('redis-cli', 'redis-tools')
  await has('ip', 'iproute2')
  await has('postgres', 'postgresql')
  const { makeTemplate } = await import('./postgres-server.ts')
  return makeTemplate()
}
