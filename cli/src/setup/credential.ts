import type { Credential, RefreshError, StoredRecord } from 'llm-refresh'
import type { CredentialDefinition } from '../config/credentials.ts'
import type { Config } from '../config/read.ts'
import { EXIT, exitCodeOf, Fault, isRefreshError, wrongInput } from '../lib/fault.ts'
import { nearest } from '../lib/nearest.ts'
import { lineOf, say } from '../lib/output.ts'
import { commandLine } from '../lib/shell.ts'
import { tellingDemands } from './scope.ts'
import { installCommand, isPersons, packageOf, sourceOf } from './source.ts'
import { openStore, type OpenStore } from './store.ts'

/** A credential of the configuration, over its store. */
export interface OpenCredential {
  readonly name: string
  readonly definition: CredentialDefinition
  readonly credential: Credential
  readonly store: OpenStore
  /** Waits until everything is stored. A token that costs nothing is not waited for: the next command asks for another one. */
  readonly flush: () => Promise<void>
  /** The same, and lets the store go. */
  readonly close: () => Promise<void>
}

/** ms that a store may take for a token that costs nothing. */
const SOON = 1_000

const open = new Set<OpenCredential>()

/** Work that nothing waits for any more goes on: a store that did not take a token in time, or a request for a token that costs nothing. */
let isLeft = false

/** Whether the process has to be ended, for what goes on in it is in vain. */
export function hasGivenUp(): boolean {
  return isLeft
}

/** Waits until every token of this process is stored, as long as that makes sense. */
export async function flushAll(): Promise<void> {
  await Promise.allSettled([...open].map(({ flush }) => flush()))
}

/**
 * The credential that a command means: the named one, or the only one there is.
 *
 * @throws Fault
 */
export function chooseCredential(config: Config, name: string | undefined): string {
  const names = Object.keys(config.credentials ?? {})
  if (name !== undefined) {
    if (names.includes(name)) return name
    const meant = nearest(name, names)
    const mending = meant === undefined ? `It has: ${names.join(', ') || 'none'}.` : `Is ${meant} meant?`
    throw wrongInput(`${config.path} has no credential ${JSON.stringify(name)}.`, mending)
  }
  const [only, ...others] = names
  if (only === undefined)
    throw wrongInput(
      `${config.path} has no credentials.`,
      `Add one under "credentials", or run: ${loginCommand('NAME')}`,
    )
  if (others.length > 0) throw wrongInput('Which credential?', `Name one of: ${names.join(', ')}.`)
  return only
}

export function definitionOf({ credentials, path }: Config, name: string): CredentialDefinition {
  const definition = credentials?.[name]
  if (definition === undefined) throw wrongInput(`${path} has no credential ${JSON.stringify(name)}.`)
  return definition
}

/**
 * Opens a credential. Its name is its key in the store: a program that uses the library with the same store shares the login.
 *
 * @param shared a store that is open already; whoever opened it closes it
 */
export async function openCredential(
  config: Config,
  name: string,
  shared?: OpenStore,
): Promise<OpenCredential> {
  const definition = definitionOf(config, name)
  const { createCredential, RefreshError: Refused } = await import('../lib/library.ts')
  const store = shared ?? (await openStore(config, definition.store ?? 'default'))
  const source = await sourceOf(config, name, definition, store.store).catch((error: unknown) => {
    // The library knows the field, and not whose it is.
    const isOurs = !isRefreshError(error) || error.message.startsWith(`credentials.${name}`)
    throw isOurs ? error : new Refused(error.code, `credentials.${name}: ${error.message}`, { cause: error })
  })
  // What is not stored at the end is waited for by close(), and by nothing else.
  const onEvent = tellingDemands(name, definition, () => credential.peek()?.value.scope, loginCommand(name))
  const credential: Credential = createCredential({
    source,
    store: store.store,
    key: name,
    exitGrace: 0,
    onEvent,
  })
  // The library's timers keep no process alive, and a command that waits for it must not end.
  const alive = setInterval(() => undefined, 60_000)
  const flush = async (): Promise<void> => {
    const isSpending = source.spendsRefreshToken !== false && source.isLocal !== true
    await credential.flush(isSpending ? {} : { timeout: SOON }).catch((error: unknown) => {
      isLeft = true
      if (isSpending || !isRefreshError(error) || error.code !== 'store_failed') throw error
      say(
        lineOf({
          message: `stores.${store.name} did not take the token of credentials.${name}: the next command asks for another one.`,
          fix: `Run: ${checkCommand(name)}`,
        }),
      )
    })
  }
  const opened: OpenCredential = {
    name,
    definition,
    credential,
    store,
    flush,
    close: async () => {
      try {
        await flush()
      } finally {
        isLeft ||= credential.status().isRefreshing
        open.delete(opened)
        clearInterval(alive)
        if (shared === undefined) await store.close()
      }
    },
  }
  open.add(opened)
  return opened
}

/** The command that logs in, as a person types it. */
export function loginCommand(name: string): string {
  return commandLine(['llm-refresh', 'login', name])
}

/** The command that tells what is amiss, as a person types it. */
export function checkCommand(name: string): string {
  return commandLine(['llm-refresh', 'check', name])
}

/** A logout, and no mark of {@link dropToken}. */
export function isLoggedOut(record: StoredRecord | undefined): boolean {
  return record !== undefined && record.token === undefined && record.failure === undefined
}

/**
 * Drops the token of a service: nothing is left of a logout, and the next use issues another one. A record that cannot be read is dropped,
 * too.
 */
export async function dropToken({ name, store: { store } }: OpenCredential): Promise<void> {
  const drop = () =>
    store.replace(name, (stored) => {
      const { revision: _revision, token: _token, session = 0, ...kept } = stored ?? { revision: 0 }
      return { ...kept, token: undefined, session: session + 1, failure: NOTHING_ISSUED }
    })
  try {
    await drop()
  } catch (error) {
    if (!isRefreshError(error) || error.code !== 'store_invalid') throw error
    await store.delete(name)
    await drop()
  }
}

/** Says that nothing was issued yet, which is no logout. */
const NOTHING_ISSUED = { code: 'credential_missing', terminal: false, at: 0 } as const

/** What a person should read of an error of the library when a token was asked for, and the exit code. */
export async function explained(reason: unknown, opened: OpenCredential): Promise<unknown> {
  if (!isRefreshError(reason)) return reason
  const { name, definition, store } = opened
  const exitCode = exitCodeOf(reason, isPersons(definition))
  if (exitCode === EXIT.loginNeeded) {
    const record = await store.store.read(name).catch(() => undefined)
    const fix = `Run: ${loginCommand(name)}`
    if (!isPersons(definition) && isLoggedOut(record))
      return new Fault(exitCode, `credentials.${name} was logged out.`, fix)
    const isNew = record?.token === undefined && record?.failure === undefined
    if (isPersons(definition)) {
      const message = isNew ? `Not logged in as ${name}.` : `The login ${name} has ended: ${reason.message}`
      return new Fault(exitCode, message, fix)
    }
  }
  return (
    missingPackage(opened, reason) ??
    new Fault(exitCode, aboutCredential(opened, reason), `Run: ${checkCommand(name)}`)
  )
}

function missingPackage({ name, definition }: OpenCredential, { cause }: RefreshError): Fault | undefined {
  const needed = packageOf(definition)
  const isMissing = /^(?:ERR_)?MODULE_NOT_FOUND$/.test(String(Reflect.get(Object(cause), 'code')))
  if (needed === undefined || !isMissing) return undefined
  return wrongInput(
    `credentials.${name} needs the package ${needed}, which is not installed beside the command.`,
    `Run: ${installCommand(needed)}`,
  )
}

/** What is amiss, and with which part of the configuration. */
export function aboutCredential({ name, store }: OpenCredential, error: RefreshError): string {
  const about = `credentials.${name}`
  const { code, message } = error
  if (message.startsWith(about)) return message
  return code.startsWith('store_') ? `stores.${store.name}, for ${about}: ${message}` : `${about}: ${message}`
}

/** The same when a person was logging in or out: what the server said is news to them. */
export function explainedLogin(error: unknown, opened: OpenCredential): unknown {
  if (!isRefreshError(error)) return error
  return new Fault(exitCodeOf(error, isPersons(opened.definition)), aboutCredential(opened, error))
}
