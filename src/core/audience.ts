import { builtinModule } from './builtin-module.ts'
import { type RefreshEvent, type RefreshListener, tell } from './events.ts'

/** The channel of `node:diagnostics_channel` that receives every event of the process. Users subscribe to it by this name. */
const CHANNEL = 'llm-refresh'

/** The part of Node's diagnostics channel that this file uses. */
interface Channel {
  readonly hasSubscribers: boolean
  publish(message: unknown): void
}

/** A surface's own listener, and the origin that its events name. */
export interface Surface {
  /** The surface's own listener. */
  readonly onEvent?: RefreshListener | undefined
  /** The origin that the call goes to. */
  readonly origin?: string | undefined
}

/**
 * The listeners of one credential: its own listener, the listeners of the surfaces above it, and the subscribers of the channel. Each call
 * asks first whether anybody listens, so an unobserved event is never built.
 */
export class Audience {
  readonly #onEvent: RefreshListener | undefined
  readonly #key: string | undefined

  /** @param key the account's name, if it has one */
  constructor(onEvent?: RefreshListener, key?: string) {
    this.#onEvent = onEvent
    this.#key = key
  }

  /** @param also a surface's listener */
  listens(also?: RefreshListener): boolean {
    return this.#onEvent !== undefined || also !== undefined || channel()?.hasSubscribers === true
  }

  /** Tells each listener once, even a listener that the credential and the surface share. */
  tell(event: RefreshEvent, { onEvent, origin }: Surface = {}): void {
    const told = this.#named(event, origin)
    if (this.#onEvent !== undefined) tell(this.#onEvent, told)
    if (onEvent !== undefined && onEvent !== this.#onEvent) tell(onEvent, told)
    const all = channel()
    if (all?.hasSubscribers === true) tell((message) => all.publish(message), told)
  }

  #named(event: RefreshEvent, origin: string | undefined): RefreshEvent {
    const key = this.#key
    if (key === undefined && origin === undefined) return event
    return { ...event, ...(key !== undefined && { key }), ...(origin !== undefined && { origin }) }
  }
}

/** For refreshers that a user wrote: the surface's listener and the channel receive their events. */
export const STRANGERS: Audience = /* @__PURE__ */ new Audience()

/** undefined: not looked up yet; null: this runtime has no channel. */
let found: Channel | null | undefined

/** Looks the channel up at its first use. Without a subscriber, each further use costs one property access. */
function channel(): Channel | null {
  if (found !== undefined) return found
  const module = builtinModule('diagnostics_channel')
  const open: unknown = Reflect.get(Object(module), 'channel')
  const opened: unknown = typeof open === 'function' ? Reflect.apply(open, module, [CHANNEL]) : undefined
  found = isChannel(opened) ? opened : null
  return found
}

function isChannel(candidate: unknown): candidate is Channel {
  return typeof candidate === 'object' && candidate !== null && 'publish' in candidate
}
