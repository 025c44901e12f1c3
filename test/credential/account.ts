import { MemoryStore } from '../../src/credential/memory-store.ts'
import {
  type AccessToken,
  type StoreChange,
  createCredential,
  type Credential,
  type CredentialOptions,
  type RefreshEvent,
  RefreshError,
  type Source,
  type SourceContext,
  type Store,
  type StoredRecord,
  type RecordContent,
  type UpdateOptions,
} from '../../src/index.ts'
import { Gate } from '../support/gate.ts'
import type { ManualClock } from '../support/manual-clock.ts'

/** A token that can be told apart, and is redeemed by a refresh token that can be told apart. */
export function numbered(n: number, more: Partial<AccessToken> = {}): AccessToken {
  return { accessToken: `access-${n}`, refreshToken: `redeem-${n}`, ...more }
}

/** An account at a server that rotates refresh tokens: a spent one ends the login. */
export class Account implements Source {
  /** What each redemption was asked. */
  readonly asked: SourceContext[] = []
  /** What happens in the middle of a redemption. */
  during: () => Promise<void> | void = () => undefined
  /** What is answered instead, first to last. */
  readonly failures: unknown[] = []
  #live = 1
  /** epoch ms */
  expiresAt: (() => number) | undefined

  async issue(context: SourceContext): Promise<AccessToken> {
    this.asked.push(context)
    const failure = this.failures.shift()
    if (failure !== undefined) throw failure
    const { current } = context
    if (current !== undefined && current.refreshToken !== `redeem-${this.#live}`) {
      throw new RefreshError('reauthentication_required', 'That refresh token was spent.')
    }
    this.#live++
    const token = numbered(this.#live, { expiresAt: this.expiresAt?.() })
    await this.during()
    return token
  }

  get redemptions(): number {
    return this.asked.length
  }
}

/** A store whose reads and replacements can be held back. It has no time limits of its own. */
export class GatedStore extends MemoryStore {
  readonly reads = new Gate()
  readonly replacements = new Gate()

  override async read(key: string): Promise<StoredRecord | undefined> {
    await this.reads.pass()
    return super.read(key)
  }

  override replace: MemoryStore['replace'] = async (key, change) => {
    await this.replacements.pass()
    return super.replace(key, change)
  }
}

/** A store that fails when it is told to. */
export class FlakyStore extends MemoryStore {
  failsTo: 'nothing' | 'read' | 'write' | 'lock' | 'tell' = 'nothing'
  readonly writes: (string | undefined)[] = []

  override async read(key: string): Promise<StoredRecord | undefined> {
    if (this.failsTo === 'read') throw new Error('the store is down')
    return super.read(key)
  }

  override async update(key: string, change: StoreChange, options?: UpdateOptions): Promise<StoredRecord> {
    if (this.failsTo === 'lock') throw new Error('the lock is not to be had')
    const stored = await super.update(
      key,
      async (current, context) => {
        const content = await change(current, context)
        if (content !== undefined && this.failsTo === 'write') throw new Error('the disk is full')
        this.writes.push(content?.token?.accessToken)
        return content
      },
      options,
    )
    // It is written, and nobody learns of it.
    if (this.failsTo === 'tell') throw new Error('the connection is lost')
    return stored
  }

  override async replace(
    key: string,
    change: (current: StoredRecord | undefined) => RecordContent,
  ): Promise<StoredRecord> {
    if (this.failsTo === 'write') throw new Error('the disk is full')
    const stored = await super.replace(key, change)
    if (stored.token !== undefined) this.writes.push(stored.token.accessToken)
    if (this.failsTo === 'tell') throw new Error('the connection is lost')
    return stored
  }
}

export interface Process {
  readonly token: Credential
  readonly events: RefreshEvent[]
  /** Their types, but for those of the cell. */
  types(): string[]
}

const OF_THE_CELL = ['rejected', 'refresh_started', 'refresh_succeeded', 'set', 'cleared']

/** A process that shares an account with others. */
export function processOf(
  source: CredentialOptions['source'],
  store: Store,
  clock: ManualClock,
  more: Partial<CredentialOptions> = {},
): Process {
  const events: RefreshEvent[] = []
  const token = createCredential({ source, store, clock, onEvent: (event) => events.push(event), ...more })
  const types = (): string[] =>
    events.map(({ type }) => type as string).filter((type) => !OF_THE_CELL.includes(type))
  return { token, events, types }
}

/** A store with a token in it. */
export async function storeWith<S extends Store>(store: S, token: AccessToken, key = 'default'): Promise<S> {
  await store.update(key, async () => ({ token }))
  return store
}
