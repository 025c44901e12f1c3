import type { StoredRecord } from 'llm-refresh'
import type { StoreEntry } from 'llm-refresh/stores/file'
import type { CredentialDefinition } from '../config/credentials.ts'
import { type Config, readConfig } from '../config/read.ts'
import { durationOf } from '../lib/duration.ts'
import { EXIT, exitCodeOf, isRefreshError, messageOf } from '../lib/fault.ts'
import { jsonOf, paint, print, printable, printJson } from '../lib/output.ts'
import {
  checkCommand,
  chooseCredential,
  definitionOf,
  isLoggedOut,
  loginCommand,
} from '../setup/credential.ts'
import { isForeign, isPersons } from '../setup/source.ts'
import { openStore } from '../setup/store.ts'

export interface StatusOptions {
  readonly config?: string
  readonly json?: boolean
  readonly watch?: boolean
}

/** The state of a credential in its store. Times are in epoch ms. It contains no secret. */
export interface Standing {
  readonly name: string
  readonly source: string
  readonly store: string
  /**
   * `valid`: the token is valid · `expired`: the next use refreshes it · `empty`: no token was issued yet, and no person has to log in ·
   * `login_needed`: a person has to log in · `unreadable`: the record is damaged, or sealed with another key · `unreachable`: the store
   * cannot be reached
   */
  readonly state: 'valid' | 'expired' | 'empty' | 'login_needed' | 'unreadable' | 'unreachable'
  readonly expiresAt: number | undefined
  readonly canRefresh: boolean
  /** When a refresh, a login or a logout last wrote the record. */
  readonly refreshedAt: number | undefined
  readonly failure:
    | { readonly code: string; readonly at: number; readonly notBefore: number | undefined }
    | undefined
  readonly holder: StoreEntry['holder']
  readonly isAbandoned: boolean
  readonly problem: string | undefined
  /** The command that mends the problem, or tells more about it. */
  readonly fix: string | undefined
}

const CODES: Readonly<Record<Standing['state'], number>> = {
  valid: EXIT.done,
  expired: EXIT.done,
  empty: EXIT.done,
  login_needed: EXIT.loginNeeded,
  unreadable: EXIT.failed,
  unreachable: EXIT.unreachable,
}
/** The exit codes from good to bad. */
const ORDER: readonly number[] = [EXIT.done, EXIT.unreachable, EXIT.failed, EXIT.loginNeeded]
/** The pause between two looks of `--watch`, in ms. */
const WATCHED = 2_000

/** Shows the state of one or of all credentials. It reads the stores, and asks no source. */
export async function status(given: string | undefined, options: StatusOptions): Promise<number> {
  const config = await readConfig(options.config)
  const names =
    given === undefined ? Object.keys(config.credentials ?? {}) : [chooseCredential(config, given)]
  if (options.watch !== true) return show(await standings(config, names), options)
  let stopped = false
  let wake = (): void => undefined
  process.once('SIGINT', () => {
    stopped = true
    wake()
  })
  for (let before = ''; ;) {
    const found = await standings(config, names)
    const now = JSON.stringify(found)
    const code = now === before ? exitCode(found) : await show(found, options)
    before = now
    if (stopped) return code
    await new Promise<void>((resolve) => {
      wake = resolve
      setTimeout(resolve, WATCHED)
    })
    if (stopped) return code
  }
}

async function show(found: readonly Standing[], { json, watch }: StatusOptions): Promise<number> {
  if (json === true) {
    await (watch === true ? print(jsonOf(found)) : printJson(found))
  } else {
    if (watch === true && process.stdout.isTTY) process.stdout.write('\u001B[H\u001B[2J')
    for (const each of found) await print(lineOf(each))
    if (found.length === 0) await print('There are no credentials in the configuration.')
  }
  return exitCode(found)
}

function exitCode(found: readonly Standing[]): number {
  const worst = Math.max(0, ...found.map(({ state }) => ORDER.indexOf(CODES[state])))
  return ORDER[worst] ?? EXIT.failed
}

/** The states of the named credentials. A store's failure becomes a state, and is not thrown. */
async function standings(config: Config, names: readonly string[]): Promise<Standing[]> {
  const storeOf = (name: string): string => definitionOf(config, name).store ?? 'default'
  const stores = [...new Set(names.map(storeOf))]
  const found = await Promise.all(
    stores.map((store) =>
      inStore(
        config,
        store,
        names.filter((name) => storeOf(name) === store),
      ),
    ),
  )
  return names.flatMap((name) => found.flat().find((each) => each.name === name) ?? [])
}

async function inStore(config: Config, store: string, names: readonly string[]): Promise<Standing[]> {
  const about = (name: string) => ({ name, source: definitionOf(config, name).source, store, ...NOTHING })
  let opened: Awaited<ReturnType<typeof openStore>> | undefined
  try {
    opened = await openStore(config, store)
    const { inspect, store: records } = opened
    const entries = await inspect()
    return await Promise.all(
      names.map(async (name): Promise<Standing> => {
        const entry = entries.find(({ key }) => key === name)
        const [record, problem] = await records.read(name).then(
          (read) => [read, undefined] as const,
          (error: unknown) => [undefined, error] as const,
        )
        if (problem !== undefined) return { ...about(name), ...unreadable(problem) }
        // This code only marks that no token was issued yet, so it is no failure.
        const failure = record?.failure?.code === 'credential_missing' ? undefined : record?.failure
        const definition = definitionOf(config, name)
        if (record?.token !== undefined && isForeign(definition, record))
          return { ...about(name), ...foreign(name, definition) }
        const state = stateOf(definition, record)
        return {
          ...about(name),
          state,
          expiresAt: record?.token?.expiresAt,
          canRefresh: record?.token?.refreshToken !== undefined || !isPersons(definition),
          refreshedAt: entry?.writtenAt,
          failure: failure && { code: failure.code, at: failure.at, notBefore: failure.notBefore },
          holder: entry?.holder,
          // Only a login has a refresh token that may be spent.
          isAbandoned: isPersons(definition) && entry?.isAbandoned === true,
          fix:
            state === 'login_needed'
              ? loginCommand(name)
              : failure === undefined
                ? undefined
                : checkCommand(name),
        }
      }),
    )
  } catch (error) {
    return names.map((name) => ({ ...about(name), ...unreadable(error) }))
  } finally {
    await opened?.close()
  }
}

const NOTHING = {
  state: 'empty',
  expiresAt: undefined,
  canRefresh: false,
  refreshedAt: undefined,
  failure: undefined,
  holder: undefined,
  isAbandoned: false,
  problem: undefined,
  fix: undefined,
} as const

function unreadable(error: unknown): Pick<Standing, 'state' | 'problem'> {
  const isAway = isRefreshError(error) && exitCodeOf(error, false) === EXIT.unreachable
  return {
    state: isAway ? 'unreachable' : 'unreadable',
    problem: messageOf(error),
  }
}

function foreign(
  name: string,
  definition: CredentialDefinition,
): Pick<Standing, 'state' | 'problem' | 'fix'> {
  const isLogin = isPersons(definition)
  return {
    state: isLogin ? 'login_needed' : 'empty',
    problem: 'the stored token was made for another configuration',
    fix: isLogin ? loginCommand(name) : undefined,
  }
}

function stateOf(definition: CredentialDefinition, record: StoredRecord | undefined): Standing['state'] {
  const { token, failure } = record ?? {}
  const isEnded = failure?.terminal === true
  const expiry = Math.min(token?.expiresAt ?? Infinity, token?.refreshAt ?? Infinity)
  const isLive = token !== undefined && expiry > Date.now()
  if (isLive && !isEnded) return 'valid'
  const hasSeed =
    !isPersons(definition) || (typeof definition.grant === 'object' && 'refreshToken' in definition.grant)
  // A login without a refresh token ends when its access token expires.
  const isLost = isPersons(definition) && (isEnded || (token?.refreshToken === undefined && !hasSeed))
  if (isLost || isLoggedOut(record)) return 'login_needed'
  return token === undefined ? 'empty' : 'expired'
}

/** Describes an expiry in words: `it expires in 58 min`. */
export function describeExpiry(expiresAt: number | undefined): string {
  if (expiresAt === undefined) return 'its expiry is not known'
  const left = expiresAt - Date.now()
  return left > 0 ? `it expires in ${durationOf(left)}` : `it expired ${durationOf(left)} ago`
}

function lineOf({
  name,
  state,
  expiresAt,
  canRefresh,
  failure,
  holder,
  isAbandoned,
  problem,
  fix,
  refreshedAt,
}: Standing): string {
  const colour = state === 'valid' ? 'green' : CODES[state] === EXIT.done ? 'yellow' : 'red'
  const words = [`${name}: ${paint(colour, state.replace('_', ' '))}`]
  if (state === 'valid' || state === 'expired') words.push(describeExpiry(expiresAt))
  if (state === 'valid' && !canRefresh) words.push('there is no refresh token: the login ends then')
  if (state === 'login_needed' && !canRefresh && expiresAt !== undefined)
    words.push(`the login brought no refresh token, and ${describeExpiry(expiresAt)}`)
  if (refreshedAt !== undefined) words.push(`written ${durationOf(Date.now() - refreshedAt)} ago`)
  if (failure !== undefined)
    words.push(`last failure ${failure.code}, ${durationOf(Date.now() - failure.at)} ago`)
  if (holder !== undefined) {
    const who =
      holder.pid === undefined
        ? 'another process'
        : `process ${holder.pid} on ${holder.host ?? 'another host'}`
    words.push(holder.isGone ? `${who} held the lock and is gone` : `${who} is refreshing`)
  }
  if (isAbandoned) words.push('a refresh was cut short, and the refresh token may be spent')
  if (problem !== undefined) words.push(printable(problem))
  if (fix !== undefined) words.push(`run: ${fix}`)
  return words.join(' · ')
}
