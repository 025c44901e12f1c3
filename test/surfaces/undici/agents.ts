import { Agent, type Dispatcher } from 'undici'
import type { Refresher } from '../../../src/index.ts'
import {
  refreshingInterceptor,
  type RefreshingInterceptorOptions,
} from '../../../src/surfaces/undici/index.ts'

const open: Dispatcher[] = []

/** An agent of the test's own, so that its sockets can be counted. */
export function agent(options: Agent.Options = {}): Agent {
  const made = new Agent(options)
  open.push(made)
  return made
}

/** An agent that puts a credential on requests. */
export function refreshed(
  cell: Refresher<string>,
  options: RefreshingInterceptorOptions<string>,
  over: Dispatcher = agent(),
): Dispatcher {
  return over.compose(refreshingInterceptor(cell, options))
}

/** Closes every agent that was made, whatever is under way. */
export async function closeAgents(): Promise<void> {
  await Promise.all(open.splice(0).map((made) => made.destroy()))
}
