import type { Credential } from 'llm-refresh'
import type { CredentialDefinition } from '../config/credentials.ts'
import type { Config } from '../config/read.ts'
import { EXIT, exitCodeOf, Fault, isRefreshError, wrongInput } from '../lib/fault.ts'
import { nearest } from '../lib/nearest.ts'
import { commandLine } from '../lib/shell.ts'
import { isPersons, sourceOf } from './source.ts'
import { openStore, type OpenStore } from './store.ts'

/** A credential of the configuration, over its store. */
export interface OpenCredential {
  readonly name: string
  readonly definition: CredentialDefinition
  readonly credential: Credential
  readonly store: OpenStore
  /** Waits until everything is stored, and lets the store go. */
  readonly close: () => Promise<void>
}

const open = new Set<OpenCredential>()

/** Waits until every token of this process is stored, as long as that makes sense. */
export async function flushAll(): Promise<void> {
  await Promise.allSettled([...open].map(({ credential }) => credential.flush()))
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
    throw wrongInput(`${config.path} has no credentials.`, 'Add one under "credentials".')
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
  const { createCredential } = await import('llm-refresh')
  const store = shared ?? (await openStore(config, definition.store ?? 'default'))
  const source = await sourceOf(config, name, definition, store.store)
  const credential = createCredential({ source, store: store.store, key: name })
  const opened: OpenCredential = {
    name,
    definition,
    credential,
    store,
    close: async () => {
      try {
        await credential.flush()
      } finally {
        open.delete(opened)
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

/** What a person should read of an error of the library when a token was asked for, and the exit code. */
export async function explained(reason: unknown, opened: OpenCredential): Promise<unknown> {
  if (!isRefreshError(reason)) return reason
  const { name, definition, store } = opened
  const exitCode = exitCodeOf(reason, isPersons(definition))
  if (exitCode !== EXIT.loginNeeded) return new Fault(exitCode, reason.message)
  const record = await store.store.read(name).catch(() => undefined)
  const isNew = record?.token === undefined && record?.failure === undefined
  const message = isNew ? `Not logged in as ${name}.` : `The login ${name} has ended: ${reason.message}`
  return new Fault(exitCode, message, `Run: ${loginCommand(name)}`)
}

/** The same when a person was logging in or out: what the server said is news to them. */
export function explainedLogin(error: unknown, { definition }: OpenCredential): unknown {
  return isRefreshError(error) ? new Fault(exitCodeOf(error, isPersons(definition)), error.message) : error
}
