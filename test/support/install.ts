import { has } from './binaries.ts'

/** Before any test, for it may take longer than a test may. */
export async function setup(): Promise<void> {
  await has('redis-server', 'redis-server')
  await has('redis-cli', 'redis-tools')
  await has('postgres', 'postgresql')
  await has('ip', 'iproute2')
}
