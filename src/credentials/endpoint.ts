import { describe, optionError } from '../core/options.ts'

const LOOPBACK = /^(?:localhost|.+\.localhost|127(?:\.\d+){3}|\[::1\])$/

/**
 * An endpoint that secrets are sent to: https, or on this machine.
 *
 * @throws RefreshError `invalid_option`
 */
export function readEndpoint(name: string, given: unknown): URL {
  const text = given instanceof URL ? given.href : given
  if (typeof text !== 'string' || !URL.canParse(text)) {
    const what = typeof text === 'string' ? 'what is no URL' : describe(text)
    throw optionError(name, `must be a URL such as 'https://auth.example.com/token', not ${what}`)
  }
  const url = new URL(text)
  const isSafe = url.protocol === 'https:' || (url.protocol === 'http:' && LOOPBACK.test(url.hostname))
  if (!isSafe) throw optionError(name, 'must be an https URL: it would send secrets in the clear')
  if (url.username !== '' || url.password !== '' || url.hash !== '') {
    throw optionError(name, 'must be a URL without a user, a password or a fragment')
  }
  return url
}
