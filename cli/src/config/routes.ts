import { hasVersion, presets, type PresetName, VERSION } from './presets.ts'
import type { Problem } from './requirements.ts'
import type { RouteDefinition } from './schema.ts'

const LOOPBACK = /^(?:localhost|127(?:\.\d+){3}|\[::1\])$/

/** What is wrong with a route as a whole, whose fields are good one by one. */
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
  return preset === undefined ? undefined : problemOfVersion(preset, url)
}

/** A version that stands twice is a 404 at each request. */
function problemOfVersion(preset: PresetName, url: URL): Problem | undefined {
  if (!presets[preset].addsVersion || !hasVersion(url.href)) return undefined
  const message = `must not end with the version of the API, for the clients of "${preset}" add it. Write "${url.href.replace(VERSION, '')}"`
  return { at: ['to'], message }
}
