import { Command, Option } from 'commander'
import type { CheckOptions } from './commands/check.ts'
import type { DemoOptions } from './commands/demo.ts'
import type { AddKeyOptions } from './commands/key.ts'
import type { LoginOptions } from './commands/login.ts'
import type { ProxyCommandOptions } from './commands/proxy.ts'
import type { RunOptions } from './commands/run.ts'
import type { StatusOptions } from './commands/status.ts'
import type { TokenOptions } from './commands/token.ts'

declare const VERSION: string

const EXIT_CODES = `
Exit codes: 0 done · 1 failed · 2 wrong input or configuration · 3 login needed · 4 a server or a store is unreachable`

type Add = (usage: string, description: string) => Command

const RUN_EXIT_CODES = `
Exit codes: the command's own · 125 llm-refresh failed · 126 not executable · 127 not found · 128 + n ended by signal n

Without routes every route of the configuration is set up. There is no shell, and the command sees no secret of the configuration.`

/**
 * Defines the commands and their options. The file of each command is loaded only if that command runs.
 *
 * @param command the words after `--`, which `run` runs
 * @param asked the first word. For `token`, which runs most often, only that command is defined
 */
export function program(command: readonly string[], asked: string | undefined): Command {
  const root = new Command('llm-refresh')
    .description('Logs in once, and hands fresh tokens to tools and programs.')
    .version(VERSION)
    .helpOption('-h, --help', 'print this help')
    .helpCommand(false)
    .exitOverride()
    .configureOutput({ writeErr: () => undefined })
    .addHelpText('after', EXIT_CODES)
  const add = adding(root)
  if (asked === 'token') {
    addTokens(add)
    return root
  }
  addLogins(add)
  addTokens(add)
  addProxies(root, add, command)
  addDemo(root)
  addKeys(
    adding(root.command('key').description('the keys of clients of the local proxy').helpCommand(false)),
  )
  return root
}

function adding(parent: Command): Add {
  return (usage, description) =>
    parent
      .command(usage)
      .description(description)
      .addOption(
        new Option('--config <file>', 'the configuration, instead of LLM_REFRESH_CONFIG or the default'),
      )
      .addHelpText('after', EXIT_CODES)
}

function addLogins(add: Add): void {
  add('login [name]', 'log in, by a browser or by a code for another device')
    .option('--browser', 'by a browser on this machine')
    .option('--device', 'by a code for another device')
    .option('--mcp <url>', 'a login that is not in the configuration: at this MCP server')
    .option('--issuer <url>', 'the same, at this authorization server')
    .option('--client-id <id>', 'the id of the client there')
    .option('--scope <scopes>', 'scopes to ask for; default: what gives a refresh token')
    .action(async (name: string | undefined, options: LoginOptions) => {
      const { login } = await import('./commands/login.ts')
      await login(name, options)
    })
  add('logout [name]', 'revoke a login and drop it').action(
    async (name: string | undefined, options: { config?: string }) => {
      const { logout } = await import('./commands/logout.ts')
      await logout(name, options)
    },
  )
  add('status [name]', 'tell how the logins stand; the exit code tells of the worst')
    .option('--json', 'as JSON')
    .option('--watch', 'tell again at every change')
    .action(async (name: string | undefined, options: StatusOptions) => {
      const { status } = await import('./commands/status.ts')
      process.exitCode = await status(name, options)
    })
}

function addTokens(add: Add): void {
  add('token [name]', 'print a fresh token and nothing else; ask no person anything')
    .option('--format <format>', 'raw, json or headers', 'raw')
    .option('--min-ttl <duration>', 'refresh a token that lives shorter than this, such as 5m')
    .action(async (name: string | undefined, options: TokenOptions) => {
      const { token } = await import('./commands/token.ts')
      await token(name, options)
    })
  add('check [name]', 'look for what is amiss, each with its fix')
    .option('--json', 'as JSON')
    .action(async (name: string | undefined, options: CheckOptions) => {
      const { check } = await import('./commands/check.ts')
      process.exitCode = await check(name, options)
    })
}

function addProxies(root: Command, add: Add, command: readonly string[]): void {
  root
    .command('run [routes...]')
    .alias('exec')
    .description('run a command whose tools reach the routes: run [ROUTE…] -- COMMAND …')
    .option('--config <file>', 'the configuration, instead of LLM_REFRESH_CONFIG or the default')
    .addHelpText('after', RUN_EXIT_CODES)
    .action(async (routes: string[], options: RunOptions) => {
      const { run } = await import('./commands/run.ts')
      process.exitCode = await run(routes, command, options)
    })
  add('proxy', 'serve the routes to clients that have a key; a request is a line of the audit on stdout')
    .option('--host <address>', 'an address of this machine (default: 127.0.0.1)')
    .option('--port <port>', 'a port; 0: a free one (default: 8790)')
    .option('--allow-remote', 'other machines may reach the address, in plain http')
    .option('--allow-host <name...>', 'names under which clients may reach it')
    .option('--json', 'JSON lines, also on a terminal')
    .action(async (options: ProxyCommandOptions) => {
      const { proxy } = await import('./commands/proxy.ts')
      process.exitCode = await proxy(options)
    })
}

/** Adds `demo`, which needs no configuration. */
function addDemo(root: Command): void {
  root
    .command('demo')
    .description('show what happens at an expiry, on servers of its own; nothing leaves this machine')
    .option('--json', 'JSON lines, also on a terminal')
    .addHelpText('after', EXIT_CODES)
    .action(async (options: DemoOptions) => {
      const { demo } = await import('./commands/demo.ts')
      process.exitCode = await demo(options)
    })
}

function addKeys(add: Add): void {
  add('add <name>', 'make a key, and print it this once')
    .option('--route <route...>', 'the routes that it opens; without it every route')
    .action(async (name: string, options: AddKeyOptions) => {
      const { addKey } = await import('./commands/key.ts')
      await addKey(name, options)
    })
  add('list', 'tell which keys there are')
    .option('--json', 'as JSON')
    .action(async (options: { json?: boolean }) => {
      const { listKeys } = await import('./commands/key.ts')
      await listKeys(options)
    })
  add('remove <name>', 'end a key').action(async (name: string) => {
    const { removeKey } = await import('./commands/key.ts')
    await removeKey(name)
  })
}
