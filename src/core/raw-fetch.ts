/** A function that sends requests. The type leaves out further members of the platform's function, such as Bun's `preconnect`. */
export type Fetch = (...request: Parameters<typeof globalThis.fetch>) => ReturnType<typeof globalThis.fetch>

/** The member of a fetch of ours that holds the fetch beneath it. Copies of this package in one process share the symbol. */
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
 * The fetch for a source: `globalThis.fetch`, or the platform's fetch beneath it if a user put one of ours there. Else a source's request
 * would wait for the credential that it fetches. undefined if the platform has no fetch.
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
