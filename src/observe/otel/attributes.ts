import type { Attributes } from '@opentelemetry/api'
import type { RefreshError } from '../../errors.ts'

/** The form of our error codes. Only they may become an `error.type`, which must have few values. */
const CODE = /^[a-z_]{1,40}$/u

/** A failure, by the names of the semantic conventions. */
export function errorType({ code }: RefreshError): Attributes {
  return { 'error.type': CODE.test(code) ? code : '_OTHER' }
}

/** An origin, by the names of the semantic conventions. */
export function serverOf(origin: string | undefined): Attributes {
  if (origin === undefined || !URL.canParse(origin)) return {}
  const { hostname, port, protocol } = new URL(origin)
  const usual = protocol === 'https:' ? 443 : 80
  return { 'server.address': hostname, 'server.port': port === '' ? usual : Number(port) }
}
