import { parseArgs } from 'node:util'

/** What to run, as the command line said it. */
export type DemoOptions =
  | { mode: 'help' }
  | { mode: 'embedded'; chats: number; tokenSeconds: number }
  | ({ mode: 'real' } & RealOptions)

/** A chat with a real service. */
export interface RealOptions {
  service: Service
  model: string
  baseUrl: string | undefined
  message: string
  /** A program and its arguments that print a fresh key or token. */
  keyCommand: readonly string[] | undefined
}

/** The kinds of service that the demo can chat with. */
export type Service = (typeof SERVICES)[number]

const SERVICES = ['anthropic', 'openai', 'google', 'openai-compatible'] as const
const MESSAGE = 'In two sentences: why do access tokens expire?'

export const HELP = `Usage: npm run demo -- [options]

Without options: 200 chats against an embedded authorization server and an embedded LLM server, on loopback.
  --chats N           chats through llm-refresh, 6 to 600 (default 200)
  --token-seconds N   least life of an access token, 1 to 5 whole seconds (default 3); it is longer on a machine
                      that needs longer, which is measured first

With --provider or --base-url: one chat with a real service.
  --provider NAME     ${SERVICES.join(', ')}
  --model NAME        the model's id, as the service spells it
  --base-url URL      where the service is; alone it means openai-compatible
  --message TEXT      what to ask (default: "${MESSAGE}")
  --key-command CMD   a command that prints a fresh key or token, instead of the environment

Keys are read from the environment: ANTHROPIC_API_KEY or ANTHROPIC_AUTH_TOKEN, OPENAI_API_KEY,
GOOGLE_GENERATIVE_AI_API_KEY or GEMINI_API_KEY, and LLM_API_KEY for openai-compatible.`

/** The command line, or the environment, cannot be served. The message names the fix. */
export class UsageError extends Error {}

/** @throws UsageError */
export function parseOptions(args: readonly string[]): DemoOptions {
  const values = parse(args)
  if (values.help) return { mode: 'help' }
  return values.provider !== undefined || values['base-url'] !== undefined
    ? realOptions(values)
    : embeddedOptions(values)
}

type Values = ReturnType<typeof parse>

function parse(args: readonly string[]) {
  try {
    const { values } = parseArgs({
      args: [...args],
      options: {
        help: { type: 'boolean', short: 'h' },
        chats: { type: 'string' },
        'token-seconds': { type: 'string' },
        provider: { type: 'string' },
        model: { type: 'string' },
        'base-url': { type: 'string' },
        message: { type: 'string' },
        'key-command': { type: 'string' },
      },
    })
    return values
  } catch (error) {
    const [reason] = (error instanceof Error ? error.message : String(error)).split(/[.\n]/)
    throw new UsageError(`${reason ?? 'Wrong arguments'}. See npm run demo -- --help.`)
  }
}

function embeddedOptions(values: Values): DemoOptions {
  for (const option of ['model', 'message', 'key-command'] as const) {
    if (values[option] !== undefined) {
      throw new UsageError(`--${option} is for a real service: add --provider ${SERVICES.join('|')}.`)
    }
  }
  return {
    mode: 'embedded',
    chats: wholeNumber('chats', values.chats ?? '200', 6, 600),
    tokenSeconds: wholeNumber('token-seconds', values['token-seconds'] ?? '3', 1, 5),
  }
}

function realOptions(values: Values): DemoOptions {
  for (const option of ['chats', 'token-seconds'] as const) {
    if (values[option] !== undefined) {
      throw new UsageError(`--${option} is for the embedded servers: leave out --provider and --base-url.`)
    }
  }
  const name = values.provider ?? 'openai-compatible'
  const service = SERVICES.find((known) => known === name)
  if (service === undefined) {
    throw new UsageError(`--provider ${JSON.stringify(name)} is unknown: use ${SERVICES.join(', ')}.`)
  }
  const baseUrl = values['base-url']
  if (baseUrl === undefined && service === 'openai-compatible') {
    throw new UsageError('--provider openai-compatible needs --base-url, for instance https://host/v1.')
  }
  if (baseUrl !== undefined && !(URL.canParse(baseUrl) && /^https?:/.test(baseUrl))) {
    throw new UsageError(`--base-url ${JSON.stringify(baseUrl)} is no http(s) URL: write https://host/v1.`)
  }
  if (!values.model) {
    throw new UsageError('--model is missing: name one that the service has, as the service spells it.')
  }
  const keyCommand = values['key-command']?.trim().split(/\s+/)
  if (keyCommand?.[0] === '') {
    throw new UsageError('--key-command is empty: write a command that prints a key.')
  }
  return {
    mode: 'real',
    service,
    model: values.model,
    baseUrl,
    message: values.message ?? MESSAGE,
    keyCommand,
  }
}

function wholeNumber(option: string, text: string, least: number, most: number): number {
  const value = Number(text)
  if (/^\d+$/.test(text) && value >= least && value <= most) return value
  throw new UsageError(
    `--${option} ${JSON.stringify(text)} will not do: write a whole number from ${least} to ${most}.`,
  )
}
