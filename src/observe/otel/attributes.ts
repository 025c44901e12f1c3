import type { Attributes } from '@opentelemetry/api'
import type { RefreshError } from '../../errors.ts'

/** `error.type` must have few values: our codes have this form. */
const CODE = /^[a-z_]{1,40}$/u

/** The semantic conventions' name of a failure. */
export function errorType({ code }: RefreshError): Attributes {
  return { 'error.type': CODE.test(code) ? code : '_OTHER' }
}

/** The semantic conventions' names of an origin. */
export function serverOf(origin: string | undefined): Attributes {
  if (origin === undefined || !URL.canParse(origin)) return {}
  const { hostname, port, protocol } = new URL(origin)
  const usual = protocol === 'https:' ? 443 : 80
  return { 'server.address': hostname, 'server.port': port === '' ? usual : Number(port) }
}
