/** The context of a request. undici's interceptors write the followed redirects into it, and the caller keeps it. */

/** True if the request followed a redirect to another origin. That server has not seen the credential. */
export function wasRedirectedFrom(origin: string, context: unknown): boolean {
  if (!isObject(context) || !('history' in context)) return false
  const { history } = context
  const isOther = (url: unknown): boolean => url instanceof URL && url.origin !== origin
  return Array.isArray(history) && history.some(isOther)
}

/**
 * Copies the latest context into the given one. The caller keeps the first attempt's context, which after a retry must show the second
 * attempt's.
 */
export function updateContext(given: unknown, latest: unknown): void {
  if (given === latest || !isObject(given) || !isObject(latest)) return
  for (const name of Object.keys(given)) if (!(name in latest)) Reflect.deleteProperty(given, name)
  for (const [name, value] of Object.entries(latest)) Reflect.set(given, name, value)
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null
}
