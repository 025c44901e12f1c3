/** A function that requests are sent with. The platform's may have more members: Bun's has `preconnect`. */
export type Fetch = (...request: Parameters<typeof globalThis.fetch>) => ReturnType<typeof globalThis.fetch>

/** Marks a fetch that carries a credential. Its value is the fetch beneath it. Copies of this package share it. */
const BENEATH = Symbol.for('llm-refresh.fetch.beneath')

/** Marks a fetch of ours. */
export function markFetch(fetch: Fetch, beneath: Fetch): void {
  Object.defineProperty(fetch, BENEATH, { value: beneath })
}

/** The fetch beneath one of ours; undefined for any other. */
export function fetchBeneath(fetch: unknown): Fetch | undefined {
  const beneath: unknown = Reflect.get(Object(fetch), BENEATH)
  return isFetch(beneath) ? beneath : undefined
}

/**
 * The platform's fetch for a source. If `globalThis.fetch` is one of ours, it is the fetch beneath it, because a source's request must not
 * wait for the credential that it fetches. undefined if the platform has no fetch.
 */
export function rawFetch(): Fetch | undefined {
  let fetch: unknown = globalThis.fetch
  for (let beneath = fetchBeneath(fetch); beneath !== undefined; beneath = fetchBeneath(fetch))
    fetch = beneath
  return isFetch(fetch) ? fetch : undefined
}

function isFetch(candidate: unknown): candidate is Fetch {
  return typeof candidate === 'function'
}
