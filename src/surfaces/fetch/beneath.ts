import { asyncContext } from '../../core/async-context.ts'
import { type Fetch, fetchBeneath } from '../../core/raw-fetch.ts'
import type { Applied } from '../shared/apply.ts'
import { isRequest } from './target.ts'

type Request = Parameters<Fetch>

/** A request of ours that is under way through a user's fetch, which may lead back to us. */
interface UnderWay {
  /** undefined: it bypasses the credential. */
  readonly applied: Applied | undefined
  readonly address: string
  isOver: boolean
}

/**
 * The fetch beneath a surface: the one that was given, else the platform's, looked up at each call, for telemetry and tests replace it
 * later. Where the platform's is the surface itself, or leads to it, requests go to the fetch of construction.
 */
export class Beneath {
  /** The fetch of construction. */
  readonly first: Fetch
  /** It was given, and is not the platform's. */
  readonly isGiven: boolean
  readonly #context = asyncContext<UnderWay>()
  readonly #underWay = new Set<UnderWay>()
  #surface: Fetch | undefined

  constructor(given: Fetch | undefined, first: Fetch) {
    this.first = first
    this.isGiven = given !== undefined
  }

  /** @param surface the fetch that this is beneath */
  serve(surface: Fetch): void {
    this.#surface = surface
  }

  /** @param applied the credential on the request; undefined if it bypasses the credential */
  send(request: Request, applied: Applied | undefined): Promise<Response> {
    const fetch = this.#current()
    return fetch === this.first ? fetch(...request) : this.#sendBy(fetch, request, applied)
  }

  /** Sends through a user's fetch, which may lead back to us. */
  async #sendBy(fetch: Fetch, request: Request, applied: Applied | undefined): Promise<Response> {
    const underWay: UnderWay = { applied, address: addressOf(request[0]), isOver: false }
    this.#underWay.add(underWay)
    try {
      const send = (): Promise<Response> => fetch(...request)
      return await (this.#context === undefined ? send() : this.#context.run(underWay, send))
    } finally {
      underWay.isOver = true
      this.#underWay.delete(underWay)
    }
  }

  /** Does this call of the surface come from its own request, by way of a fetch that leads back to it? */
  isOwn(request: Request): boolean {
    for (const underWay of this.#underWay) {
      const { applied } = underWay
      if (applied === undefined || applied.set.length === 0) {
        if (this.#isWithin(underWay, request)) return true
      } else if (carries(request, applied)) return true
    }
    return false
  }

  #current(): Fetch {
    const { fetch } = globalThis
    if (this.isGiven || typeof fetch !== 'function' || this.#leadsBack(fetch)) return this.first
    return fetch
  }

  #leadsBack(fetch: Fetch): boolean {
    for (let one: Fetch | undefined = fetch; one !== undefined; one = fetchBeneath(one)) {
      if (one === this.#surface) return true
    }
    return false
  }

  #isWithin(underWay: UnderWay, [input]: Request): boolean {
    if (this.#context !== undefined) return this.#context.getStore() === underWay && !underWay.isOver
    return underWay.address === addressOf(input)
  }
}

function carries([input, init]: Request, { set }: Applied): boolean {
  try {
    const headers = new Headers(init?.headers ?? (isRequest(input, true) ? input.headers : undefined))
    return set.every(([name, value]) => headers.get(name) === value)
  } catch {
    return false // The platform says what is wrong with them.
  }
}

/** The address without the query, because telemetry may add to it. */
function addressOf(input: Request[0]): string {
  try {
    const { origin, pathname } = new URL(
      isRequest(input, true) ? input.url : input,
      globalThis.location?.href,
    )
    return origin + pathname
  } catch {
    return ''
  }
}
