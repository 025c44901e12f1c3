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

/** A credential of the configuration, with its store. */
export interface OpenCredential {
  readonly name: string
  readonly definition: CredentialDefinition
  readonly credential: Credential
  readonly store: OpenStore
  /** True if a refresh may spend a refresh token, so that its token cannot be had again. */
  readonly isSpending: boolean
  /**
   * Waits until all tokens are stored. If a token can be had again without cost, it waits for a short time only: the next command asks for
   * another one.
   */
  readonly flush: () => Promise<void>
  /** Waits like `flush()`, and then closes the store. */
  readonly close: () => Promise<void>
}

/** The longest wait, in ms, for a store to take a token that can be had again without cost. */
const SOON = 1_000

const open = new Set<OpenCredential>()

/** True if this process still works for nobody: a store did not take a token in time, or a request for a token that costs nothing is open. */
let isLeft = false

/** True if the process has to be ended, because the library still tries in vain to store a token. */
export function hasGivenUp(): boolean {
  return isLeft
}

/** Waits until every credential of this process is flushed. */
export async function flushAll(): Promise<void> {
  let waiting = [...open]
  for (let isIdle = false; !isIdle;) {
    let isOver = false
    const flushed = Promise.allSettled(waiting.map(({ flush }) => flush())).finally(() => (isOver = true))
    const looked = new Promise((resolve) => setImmediate(resolve)).then(() => isOver)
    const results = await flushed
    // Meanwhile a refresh that waited for its lock may have got it, and may have redeemed a refresh token. So look again.
    waiting = waiting.filter(
      ({ credential, isSpending }, at) =>
        isSpending && results[at]?.status === 'fulfilled' && credential.status().isRefreshing,
    )
    // A turn more would let a command print a token that nobody waits for any more.
    isIdle = waiting.length === 0 || (await looked)
  }
}

/**
 * Chooses the credential for a command: the named one, or the only one.
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
 * Opens a credential. Its name is its key in the store, so a program that uses the library with the same store shares the login.
 *
 * @param shared a store that the caller has opened, and will close
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
    // The library's message names the field, but not the credential. Add the credential's name.
    const isOurs = !isRefreshError(error) || error.message.startsWith(`credentials.${name}`)
    throw isOurs ? error : new Refused(error.code, `credentials.${name}: ${error.message}`, { cause: error })
  })
  // `exitGrace: 0`, because `close()` alone waits for tokens that are not stored yet.
  const onEvent = tellingDemands(name, definition, () => credential.peek()?.value.scope, loginCommand(name))
  const credential: Credential = createCredential({
    source,
    store: store.store,
    key: name,
    exitGrace: 0,
    onEvent,
  })
  // Keep the process alive: the library's timers do not, and a command that waits for the library must not end.
  const alive = setInterval(() => undefined, 60_000)
  const isSpending = source.spendsRefreshToken !== false && source.isLocal !== true
  const flush = async (): Promise<void> => {
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
    isSpending,
    flush,
    close: async () => {
      try {
        await flush()
      } finally {
        isLeft ||= !isSpending && credential.status().isRefreshing
        open.delete(opened)
        clearInterval(alive)
        if (shared === undefined) await store.close()
      }
    },
  }
  open.add(opened)
  return opened
}

/** The command for a login, as a person types it. */
export function loginCommand(name: string): string {
  return commandLine(['llm-refresh', 'login', name])
}

/** The command for a check, as a person types it. */
export function checkCommand(name: string): string {
  return commandLine(['llm-refresh', 'check', name])
}

/** True if the record is a logout, and not a mark of {@link dropToken}. */
export function isLoggedOut(record: StoredRecord | undefined): boolean {
  return record !== undefined && record.token === undefined && record.failure === undefined
}

/**
 * Drops the stored token of a service, and any logout with it, so that the next use gets another token. It also drops a record that cannot
 * be read.
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

/** A mark that no token was issued yet, so that the record is no logout. */
const NOTHING_ISSUED = { code: 'credential_missing', terminal: false, at: 0 } as const

/** Turns a failure to get a token into a message for a person, with the exit code. */
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

/** The problem, with the part of the configuration that it concerns. */
export function aboutCredential({ name, store }: OpenCredential, error: RefreshError): string {
  const about = `credentials.${name}`
  const { code, message } = error
  if (message.startsWith(about)) return message
  return code.startsWith('store_') ? `stores.${store.name}, for ${about}: ${message}` : `${about}: ${message}`
}

/** Turns a failure of a login or logout into a message for a person. It always includes the server's words. */
export function explainedLogin(error: unknown, opened: OpenCredential): unknown {
  if (!isRefreshError(error)) return error
  return new Fault(exitCodeOf(error, isPersons(opened.definition)), aboutCredential(opened, error))
}
