import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { UsageError } from './options.ts'
import type { RealOptions, Service } from './options.ts'

/** What a real service is shown, and whether it is a key or the token of a login. */
export interface Key {
  readonly value: string
  readonly kind: 'api_key' | 'token'
}

/** Where each service's key is looked for, in this order. */
const VARIABLES: Record<Service, readonly string[]> = {
  anthropic: ['ANTHROPIC_API_KEY', 'ANTHROPIC_AUTH_TOKEN'],
  openai: ['OPENAI_API_KEY'],
  google: ['GOOGLE_GENERATIVE_AI_API_KEY', 'GEMINI_API_KEY'],
  'openai-compatible': ['LLM_API_KEY'],
}

/**
 * The key as it is at this instant: what the key command prints, or what the environment holds.
 * @throws UsageError when there is none.
 */
export async function findKey({ service, keyCommand }: RealOptions): Promise<Key> {
  if (keyCommand !== undefined) {
    const value = await printedBy(keyCommand)
    return { value, kind: isApiKey(value) ? 'api_key' : 'token' }
  }
  const names = VARIABLES[service]
  for (const name of names) {
    const value = process.env[name]?.trim()
    if (value) return { value, kind: name.endsWith('_AUTH_TOKEN') ? 'token' : 'api_key' }
  }
  throw new UsageError(`There is no key for ${service}: set ${names.join(' or ')}, or give --key-command.`)
}

async function printedBy([program = '', ...args]: readonly string[]): Promise<string> {
  const failed = `--key-command: ${JSON.stringify(program)}`
  const running = promisify(execFile)(program, args, { timeout: 30_000 })
  // It ends with the demo, however that ends.
  const end = (): boolean => running.child.kill('SIGKILL')
  process.once('exit', end)
  const { stdout } = await running
    .finally(() => process.off('exit', end))
    .catch((error: unknown) => {
      const code = error instanceof Error && 'code' in error ? String(error.code) : 'unknown'
      throw new UsageError(`${failed} failed (${code}): it must print a key and exit with 0.`)
    })
  const value = stdout.trim()
  if (value === '') throw new UsageError(`${failed} printed nothing: it must print a key.`)
  return value
}

/** The vendors' API keys by their first letters; anything else that a command prints is a token. */
function isApiKey(value: string): boolean {
  return /^(sk-ant-api|AIza)/.test(value)
}
