/** The context of a request, which undici's interceptors write and its caller keeps: it tells of the redirects. */

/** True if the request went to another server than this origin: after a redirect that server has not seen the credential. */
export function wasRedirectedFrom(origin: string, context: unknown): boolean {
  if (!isObject(context) || !('history' in context)) return false
  const { history } = context
  const isOther = (url: unknown): boolean => url instanceof URL && url.origin !== origin
  return Array.isArray(history) && history.some(isOther)
}

/** The caller holds on to the context that it was given: after a retry it must tell of the second attempt. */
export function updateContext(given: unknown, latest: unknown): void {
  if (given === latest || !isObject(given) || !isObject(latest)) return
  for (const name of Object.keys(given)) if (!(name in latest)) Reflect.deleteProperty(given, name)
  for (const [name, value] of Object.entries(latest)) Reflect.set(given, name, value)
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null
}
