import { type Config, readConfig } from '../config/read.ts'
import type { OAuthDefinition } from '../config/schema.ts'
import { durationOf } from '../lib/duration.ts'
import { EXIT, isRefreshError, messageOf } from '../lib/fault.ts'
import { paint, print, printable, printJson } from '../lib/output.ts'
import { chooseCredential, loginCommand, openCredential } from '../setup/credential.ts'
import { discover } from '../setup/discovery.ts'
import { PROXY_VARIABLES } from '../setup/http.ts'
import { isPersons } from '../setup/source.ts'
import { openStore } from '../setup/store.ts'

/** What a check found, with its fix. It holds no secret. */
export interface Finding {
  /** The credential or the store that it is about; undefined: this machine. */
  readonly about: string | undefined
  readonly code: string
  readonly level: 'ok' | 'warning' | 'error'
  readonly message: string
  readonly fix: string | undefined
}

export interface CheckOptions {
  readonly config?: string
  readonly json?: boolean
}

/** ms: half of what token lifetimes tolerate. */
const CLOCK_TOLERANCE = 30_000

/** Looks at everything between the configuration and a real token. Exit code 1 where a finding is an error. */
export async function check(given: string | undefined, options: CheckOptions): Promise<number> {
  const config = await readConfig(options.config)
  const names =
    given === undefined ? Object.keys(config.credentials ?? {}) : [chooseCredential(config, given)]
  const findings: Finding[] = [
    {
      about: undefined,
      code: 'configuration',
      level: 'ok',
      message: `${config.path} is good.`,
      fix: undefined,
    },
    ...environment(),
  ]
  const storeOf = (name: string): string => config.credentials?.[name]?.store ?? 'default'
  for (const store of new Set(names.map(storeOf))) {
    const account = names.find((name) => storeOf(name) === store) ?? ''
    findings.push(...(await ofStore(config, store, account)))
  }
  for (const name of names) findings.push(...(await ofCredential(config, name)))
  if (options.json === true) await printJson({ ok: findings.every(isGood), findings })
  else for (const finding of findings) await print(lineOf(finding))
  return findings.every(isGood) ? EXIT.done : EXIT.failed
}

const isGood = ({ level }: Finding): boolean => level !== 'error'

function environment(): Finding[] {
  const found: Finding[] = []
  const about = undefined
  for (const name of PROXY_VARIABLES) {
    const value = process.env[name] ?? ''
    if (value === '') continue
    const url = URL.canParse(value) ? new URL(value) : undefined
    found.push(
      url === undefined || !/^https?:$/.test(url.protocol)
        ? {
            about,
            code: 'proxy_invalid',
            level: 'error',
            message: `${name} holds no http URL.`,
            fix: `Set ${name} to a URL, such as http://proxy.example.com:3128, or unset it.`,
          }
        : {
            about,
            code: 'proxy',
            level: 'ok',
            message: `${name} leads requests to sources through ${url.host}.`,
            fix: undefined,
          },
    )
  }
  if (process.env['NODE_TLS_REJECT_UNAUTHORIZED'] === '0') {
    found.push({
      about,
      code: 'tls_unchecked',
      level: 'error',
      message: 'NODE_TLS_REJECT_UNAUTHORIZED=0 lets anyone on the network read the tokens.',
      fix: 'Unset it. For a CA of your own, set NODE_EXTRA_CA_CERTS to its file.',
    })
  }
  return found
}

async function ofStore(config: Config, name: string, account: string): Promise<Finding[]> {
  const about = `stores.${name}`
  let opened: Awaited<ReturnType<typeof openStore>> | undefined
  try {
    opened = await openStore(config, name)
    const entries = await opened.inspect()
    // Taking a lock shows that this user may write, and that the file system has what locks need.
    await opened.store.update(account, () => Promise.resolve(undefined), {
      signal: AbortSignal.timeout(15_000),
    })
    const held = entries.filter(({ holder }) => holder?.isGone === false).length
    const locks = held === 0 ? '' : ` ${held} of them ${held === 1 ? 'is' : 'are'} refreshing now.`
    const found: Finding[] = [
      {
        about,
        code: 'store',
        level: 'ok',
        message: `The ${opened.definition.type} store can be read and locked; it holds ${entries.length} accounts.${locks}`,
        fix: undefined,
      },
    ]
    for (const { key, isAbandoned, problem } of entries) {
      if (problem !== undefined)
        found.push({ about, code: problem.code, level: 'warning', message: problem.message, fix: undefined })
      else if (isAbandoned && key !== undefined) {
        found.push({
          about,
          code: 'abandoned',
          level: 'warning',
          message: `A refresh of ${key} was cut short: its refresh token may be spent.`,
          fix: `If the next refresh fails, run: ${loginCommand(key)}`,
        })
      }
    }
    return found
  } catch (error) {
    return [{ about, ...problemOf(error), fix: undefined }]
  } finally {
    await opened?.close()
  }
}

async function ofCredential(config: Config, name: string): Promise<Finding[]> {
  const about = `credentials.${name}`
  const found: Finding[] = []
  try {
    const opened = await openCredential(config, name)
    const { definition, credential, store } = opened
    try {
      if (definition.source === 'oauth') found.push(...(await ofServer(definition, about)))
      const { findings } = await credential.check()
      for (const finding of findings) {
        const isLogin = finding.level === 'error' && finding.code === 'reauthentication_required'
        const fix = isLogin && isPersons(definition) ? `Run: ${loginCommand(name)}` : finding.fix
        found.push({ ...finding, about, fix })
      }
      const record = await store.store.read(name).catch(() => undefined)
      if (isPersons(definition) && record?.token !== undefined && record.token.refreshToken === undefined) {
        if (!found.some(({ code }) => code === 'no_refresh_token')) found.push(withoutRefreshToken(about))
      }
    } finally {
      await opened.close()
    }
  } catch (error) {
    found.push({ about, ...problemOf(error), fix: undefined })
  }
  return found
}

async function ofServer(definition: OAuthDefinition, about: string): Promise<Finding[]> {
  const { problem, clockAhead, hasBrowserLogin, hasDeviceLogin } = await discover(definition)
  const found: Finding[] = []
  if (problem !== undefined) {
    const isNeeded = definition.tokenEndpoint === undefined
    found.push({
      about,
      code: 'discovery',
      level: isNeeded ? 'error' : 'warning',
      message: `${problem}.`,
      fix: `Check ${about}.issuer, the network and the proxy variables; behind a CA of your own, set NODE_EXTRA_CA_CERTS.`,
    })
  } else if (definition.issuer !== undefined) {
    const ways = [hasBrowserLogin && 'by browser', hasDeviceLogin && 'by code'].filter((way) => way !== false)
    const logins = ways.length === 0 ? 'no login of a person' : `logins ${ways.join(' and ')}`
    found.push({
      about,
      code: 'discovery',
      level: 'ok',
      message: `The metadata of ${new URL(definition.issuer).host} were read; it offers ${logins}.`,
      fix: undefined,
    })
  }
  if (clockAhead !== undefined && Math.abs(clockAhead) > CLOCK_TOLERANCE) {
    const how = clockAhead > 0 ? 'behind' : 'ahead of'
    found.push({
      about,
      code: 'clock',
      level: 'warning',
      message: `The clock of this machine is ${durationOf(clockAhead)} ${how} the server's.`,
      fix: 'Synchronise it (NTP): expiries and signed assertions are judged by it.',
    })
  }
  return found
}

function withoutRefreshToken(about: string): Finding {
  return {
    about,
    code: 'no_refresh_token',
    level: 'warning',
    message: 'No refresh token was issued: the login ends with its access token.',
    fix: `Add offline_access to ${about}.scope, and log in again.`,
  }
}

function problemOf(error: unknown): Pick<Finding, 'code' | 'level' | 'message'> {
  const code = isRefreshError(error) ? error.code : 'failed'
  return { code, level: 'error', message: messageOf(error) }
}

function lineOf({ about, level, message, fix }: Finding): string {
  const colour = ({ ok: 'green', warning: 'yellow', error: 'red' } as const)[level]
  const where = about === undefined ? '' : `${about}: `
  return `${paint(colour, level.padEnd(7))} ${printable(where + message)}${fix === undefined ? '' : `\n        ${printable(fix)}`}`
}
