import type { Source } from '../../credential/source.ts'
import { RefreshError } from '../../errors.ts'
import { type Check, describe, optionError } from '../../lib/options.ts'

/** A secret, a function that returns it, or a source such as `file('/run/secrets/client')`. The library reads it each time that it needs it. */
export type SecretOption =
  | string
  | Source
  | ((context: { readonly signal: AbortSignal }) => string | Promise<string>)

const HALF = 'holds half a character (a lone surrogate), which cannot be sent: mend what cuts it'

/** A text that is sent unchanged: it must hold no lone surrogate. */
export const aText: Check = (given) => {
  if (typeof given !== 'string' || given === '')
    return `must be a text, not ${given === '' ? 'an empty one' : describe(given)}`
  return isBroken(given) ? HALF : undefined
}

export const aGivenText: Check = (given) => (given === undefined ? 'is missing' : aText(given))

/** Whether a text holds a lone surrogate, which no encoding can carry. */
function isBroken(text: string): boolean {
  return /\p{Cs}/u.test(text)
}

/** @throws RefreshError `invalid_option` */
export function checkSecret(name: string, given: SecretOption | undefined): SecretOption {
  if (typeof given === 'string' && isBroken(given)) throw optionError(name, HALF)
  if (typeof given === 'function' || (typeof given === 'string' && given !== '')) return given
  if (typeof given === 'object' && typeof given?.issue === 'function') return given
  const what = given === undefined ? 'is missing' : 'must be a text that is not empty, a function or a source'
  throw optionError(name, what)
}

/** @throws RefreshError `source_invalid` if the result is no text, or an empty one; any error of the function or the source */
export function readSecret(name: string, given: SecretOption, signal: AbortSignal): Promise<string> {
  return readGiven(name, given, { signal })
}

/**
 * Like {@link readSecret}, for a function that gets more than a signal, and that may return a source.
 *
 * @throws RefreshError as {@link readSecret} does
 */
export async function readGiven<C extends { readonly signal: AbortSignal }>(
  name: string,
  given: string | Source | ((context: C) => Gave | Promise<Gave>),
  context: C,
): Promise<string> {
  const secret = await read(given, context)
  const text = typeof secret === 'string' ? secret.trim() : ''
  if (isBroken(text)) throw new RefreshError('source_invalid', `'${name}' ${HALF}.`)
  if (text !== '') return text
  const what = typeof secret === 'string' ? 'nothing' : describe(secret)
  throw new RefreshError('source_invalid', `'${name}' gave ${what}: it must give a text.`)
}

type Gave = string | Source

async function read<C extends { readonly signal: AbortSignal }>(
  given: Gave | ((context: C) => Gave | Promise<Gave>),
  context: C,
): Promise<unknown> {
  if (typeof given === 'string') return given
  const gave = typeof given === 'function' ? await given(context) : given
  if (typeof gave === 'string' || typeof gave?.issue !== 'function') return gave
  const { signal } = context
  return (await gave.issue({ current: undefined, challenge: undefined, signal, sent: () => undefined }))
    .accessToken
}
