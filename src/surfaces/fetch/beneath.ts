import { asyncContext } from '../../core/async-context.ts'
import { type Fetch, fetchBeneath } from '../../core/raw-fetch.ts'
import type { Applied } from '../shared/apply.ts'
import { isRequest } from './target.ts'

type Request = Parameters<Fetch>

/** A request of ours that a user's fetch is sending. That fetch may call our surface again. */
interface UnderWay {
  /** The credential on the request; undefined if the request bypasses the credential. */
  readonly applied: Applied | undefined
  readonly address: string
  isOver: boolean
}

/**
 * The fetch that a surface sends its requests through. That is the fetch in the options, or else the platform's fetch. We look the
 * platform's up at each call, because telemetry and tests replace it. If it is the surface itself, or leads back to it, the surface uses
 * the fetch that it found at its construction.
 */
export class Beneath {
  /** The fetch in the options, or the platform's fetch at construction. */
  readonly first: Fetch
  /** True if the options had a fetch. */
  readonly isGiven: boolean
  readonly #context = asyncContext<UnderWay>()
  readonly #underWay = new Set<UnderWay>()
  #surface: Fetch | undefined

  constructor(given: Fetch | undefined, first: Fetch) {
    this.first = first
    this.isGiven = given !== undefined
  }

  /** @param surface the fetch that sends its requests through this one */
  serve(surface: Fetch): void {
    this.#surface = surface
  }

  /** @param applied the credential on the request; undefined if the request bypasses the credential */
  send(request: Request, applied: Applied | undefined): Promise<Response> {
    const fetch = this.#current()
    return fetch === this.first ? fetch(...request) : this.#sendBy(fetch, request, applied)
  }

  /** Sends through a user's fetch, and records the request meanwhile: that fetch may call our surface again. */
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

  /** True if this call repeats a request of the surface, because the user's fetch called the surface again. */
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
    return false // The platform will report what is wrong with these headers.
  }
}

/** The address of a request, without the query, because telemetry may add to the query. */
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
