import { HOLDS } from '../../credential/record/given-record.ts'
import { isObject } from '../../credential/record/record-format.ts'
import { isSealedToken } from '../../credential/record/sealed-mark.ts'
import type { RecordContent, Store, StoredRecord } from '../../credential/store.ts'
import { readToken } from '../../credential/token.ts'
import { RefreshError } from '../../errors.ts'
import { describe, optionError } from '../../lib/options.ts'

/** The kind of a record that is stored beside the credentials. Its key begins with the kind. */
export type Kind = 'mcp-client' | 'mcp-login'

/** One entry of a list. */
export type Entry = Readonly<Record<string, string | number | boolean | undefined>>

/** @throws RefreshError `invalid_option` */
export function checkStore(store: Store | undefined): Store | undefined {
  const methods = ['read', 'update', 'replace', 'delete'] as const
  if (store === undefined || methods.every((method) => typeof store?.[method] === 'function')) return store
  throw optionError('store', `must be a store, such as fileStore(), not ${describe(store)}`)
}

/**
 * A list in a record without a token. Each store keeps all fields of a record, so a user's own store needs no new code for it. A credential
 * that reads such a record throws `store_invalid`.
 */
export class KeptList {
  readonly #store: Store
  readonly #kind: Kind
  readonly #key: string

  constructor(store: Store, kind: Kind, of: string) {
    this.#store = store
    this.#kind = kind
    this.#key = `${kind}:${of}`
  }

  /** @throws RefreshError `store_failed`, `store_invalid` */
  async read(): Promise<readonly Entry[]> {
    return this.#listIn(await this.#guarded(this.#store.read(this.#key)))
  }

  /** Changes the list under the record's lock, so that only one process at a time runs `change`. */
  async update(change: (list: readonly Entry[]) => Promise<readonly Entry[] | undefined>): Promise<void> {
    let thrown: { readonly error: unknown } | undefined
    const run = async (current: StoredRecord | undefined): Promise<RecordContent | undefined> => {
      try {
        const list = await change(this.#listIn(current))
        return list && this.#content(current, list)
      } catch (error) {
        thrown = { error }
        throw error
      }
    }
    try {
      await this.#guarded(this.#store.update(this.#key, run, { isBrief: true }))
    } catch (error) {
      throw thrown === undefined ? error : thrown.error
    }
  }

  /** Changes the list in one atomic step. @param change may be called more than once */
  async replace(change: (list: readonly Entry[]) => readonly Entry[]): Promise<void> {
    await this.#guarded(
      this.#store.replace(this.#key, (current) => this.#content(current, change(this.#listIn(current)))),
    )
  }

  #content(current: StoredRecord | undefined, list: readonly Entry[]): RecordContent {
    const { revision: _revision, ...kept } = current ?? { revision: 0 }
    const own = { [HOLDS]: this.#kind, list: list.map(withoutUndefined) }
    return { ...kept, ...own, token: undefined }
  }

  #listIn(given: unknown): readonly Entry[] {
    if (given === undefined || given === null) return []
    const { [HOLDS]: kind, list = [], token } = isObject(given) ? given : {}
    const isEmpty = kind === undefined && (token === undefined || token === null)
    if (isEmpty) return []
    if (kind === this.#kind && Array.isArray(list)) return list.filter(isEntry)
    const isSealed = token !== undefined && token !== null && isSealedToken(readToken(token))
    throw new RefreshError(
      'store_invalid',
      isSealed
        ? `The record ${JSON.stringify(this.#key)} is sealed, and this process has no keys for it: give the store here the keys, too.`
        : `The record ${JSON.stringify(this.#key)} holds something else. It is left as it is: give the credential that it belongs to another name.`,
    )
  }

  async #guarded<R>(step: Promise<R>): Promise<R> {
    try {
      return await step
    } catch (cause) {
      if (cause instanceof RefreshError) throw cause
      const message = `The store could not read or write ${JSON.stringify(this.#key)}: see the cause.`
      throw new RefreshError('store_failed', message, { cause })
    }
  }
}

function withoutUndefined(entry: Entry): Entry {
  return Object.fromEntries(Object.entries(entry).filter(([, value]) => value !== undefined))
}

function isEntry(value: unknown): value is Entry {
  return isObject(value)
}
