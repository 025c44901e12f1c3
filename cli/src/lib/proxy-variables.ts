/** The pairs of variables that name a proxy. The first of a pair that is set counts. An empty one means that there is no proxy. */
const PROXY_VARIABLES = [
  ['https_proxy', 'HTTPS_PROXY'],
  ['http_proxy', 'HTTP_PROXY'],
] as const

const LEADING = /^https?:\/\//i

/** The variables that name a proxy at present. */
export function proxyVariables(): string[] {
  return PROXY_VARIABLES.flatMap(([first, second]) => {
    const name = process.env[first] === undefined ? second : first
    return (process.env[name] ?? '') === '' ? [] : [name]
  })
}

/** The variables that should name a proxy but contain no URL of one. */
export function wrongProxyVariables(): string[] {
  return proxyVariables().filter((name) => {
    const value = process.env[name] ?? ''
    return !(URL.canParse(value) && LEADING.test(value))
  })
}
