/** The variables that name a proxy: the first of a pair that is set counts, and an empty one means that there is none. */
const PROXY_VARIABLES = [
  ['https_proxy', 'HTTPS_PROXY'],
  ['http_proxy', 'HTTP_PROXY'],
] as const

const LEADING = /^https?:\/\//i

/** The variables that name a proxy now. */
export function proxyVariables(): string[] {
  return PROXY_VARIABLES.flatMap(([first, second]) => {
    const name = process.env[first] === undefined ? second : first
    return (process.env[name] ?? '') === '' ? [] : [name]
  })
}

/** The variables that name a proxy and hold no URL of one. */
export function wrongProxyVariables(): string[] {
  return proxyVariables().filter((name) => {
    const value = process.env[name] ?? ''
    return !(URL.canParse(value) && LEADING.test(value))
  })
}
