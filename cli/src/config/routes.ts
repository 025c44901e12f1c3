import { hasVersion, presets, type PresetName, VERSION } from './presets.ts'
import type { Problem } from './requirements.ts'
import type { RouteDefinition } from './schema.ts'

const LOOPBACK = /^(?:localhost|127(?:\.\d+){3}|\[::1\])$/

/** Finds a problem of a route whose fields are each valid. */
export function problemOfRoute({ preset, to, plainHttp }: RouteDefinition): Problem | undefined {
  if (to === undefined) {
    return preset !== undefined && presets[preset].to !== undefined
      ? undefined
      : { at: [], message: 'needs "to", the base URL of its API' }
  }
  const url = new URL(to)
  const at = ['to']
  if (url.search !== '')
    return { at, message: 'must be a base URL, without a query: what clients ask for goes behind it' }
  if (url.protocol === 'http:' && !LOOPBACK.test(url.hostname) && plainHttp !== true) {
    const message = `would send the credential in the clear. Use "https://${url.host}", or, inside a network that you trust, add "plainHttp": true to the route`
    return { at, message }
  }
  if (preset === undefined || preset === 'mcp') return undefined
  return problemOfEndpoint(url) ?? problemOfVersion(preset, url)
}

/** The endpoints that vendors' clients add to a base URL. */
const ENDPOINT = /\/(?:(?:chat\/)?completions|responses|embeddings|v1\/messages)\/?$/

/** Refuses an endpoint that the clients add, too: every request would get a 404. */
function problemOfEndpoint(url: URL): Problem | undefined {
  if (!ENDPOINT.test(url.pathname)) return undefined
  const base = url.href.replace(ENDPOINT, '')
  return {
    at: ['to'],
    message: `must be a base URL: clients add the path of what they call. Write "${base}"`,
  }
}

/** Refuses a version that the clients add, too: every request would get a 404. */
function problemOfVersion(preset: PresetName, url: URL): Problem | undefined {
  if (!presets[preset].addsVersion || !hasVersion(url.href)) return undefined
  const message = `must not end with the version of the API, for the clients of "${preset}" add it. Write "${url.href.replace(VERSION, '')}"`
  return { at: ['to'], message }
}
