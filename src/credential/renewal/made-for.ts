import { RefreshError } from '../../errors.ts'
import type { Source } from '../source.ts'
import type { MadeFor, StoredRecord } from '../store.ts'

type Binding = Pick<Source, 'madeFor' | 'boundAs'> | undefined

/**
 * How a stored record fits the configuration. `other`: it was made for another issuer, client or identity, so neither of its tokens may be used.
 * `target`: its access token is for another audience, resource or scope, but its refresh token may be redeemed.
 */
export type Fit = 'same' | 'target' | 'other'

export function fitOf(record: StoredRecord | undefined, source: Binding): Fit {
  const { madeFor, token } = record ?? {}
  const wanted = wantedBy(source, madeFor)
  if (madeFor === undefined || wanted === undefined) return 'same'
  if (WHOSE.some((part) => differs(madeFor[part], wanted[part]))) return 'other'
  if (differs(madeFor.audience, wanted.audience) || differs(madeFor.resource, wanted.resource))
    return 'target'
  // Servers rename and drop scopes. So the record fits if the requested scope or the granted scope covers the wanted one.
  const isCovered = covers(madeFor.scope, wanted.scope) || covers(token?.scope, wanted.scope)
  return madeFor.scope === undefined || isCovered ? 'same' : 'target'
}

const WHOSE = ['issuer', 'client', 'identity'] as const

/** The fingerprint of the source's tokens. A source with a salted hash compares it with the record's. */
export function wantedBy(source: Binding, stored: MadeFor | undefined): MadeFor | undefined {
  return source?.boundAs?.(stored) ?? source?.madeFor
}

/** The fingerprint to write: the wanted parts, and the stored ones that the wanted fingerprint does not name. */
export function mergedMadeFor(
  stored: MadeFor | undefined,
  wanted: MadeFor | undefined,
): { readonly madeFor?: MadeFor } {
  const parts = Object.entries({ ...stored, ...wanted }).filter(([, part]) => part !== undefined)
  return parts.length === 0 ? {} : { madeFor: Object.fromEntries(parts) }
}

/** The error for a record that was made for another issuer, client or identity. */
export function madeForAnother(stored: MadeFor, wanted: MadeFor): RefreshError {
  const message =
    `The stored login was made for ${shown(stored)}, and this credential is configured for ${shown(wanted)}. ` +
    'Its refresh token is not sent there: log in again, or store it under another name.'
  return new RefreshError('reauthentication_required', message)
}

function shown({ issuer, client }: MadeFor): string {
  const of = issuer === undefined || issuer === '' ? '' : issuer
  if (client === undefined || client === '') return of || 'no named client'
  return `the client ${JSON.stringify(client)}${of && ` of ${of}`}`
}

/** True if both sides name the part, and name it differently. */
function differs(stored: string | undefined, wanted: string | undefined): boolean {
  return stored !== undefined && wanted !== undefined && stored !== wanted
}

function covers(granted: string | undefined, wanted: string | undefined): boolean {
  if (wanted === undefined) return true
  const names = new Set(granted?.split(' '))
  return wanted.split(' ').every((name) => names.has(name))
}
