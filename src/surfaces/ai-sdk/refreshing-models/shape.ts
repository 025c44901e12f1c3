import { RefreshError } from '../../../errors.ts'
import { describe, optionError } from '../../../lib/options.ts'
import { isData } from './kind.ts'
import { isPromise } from './place.ts'

/** The part of a token that this surface reads. A builder may read more of it. */
export interface TokenLike {
  readonly accessToken: string
}

/** Any type except a promise, because the provider must be there at once. */
export interface NotPromise {
  readonly then?: never
}

/** The token for the build that only shows the provider's members. No request carries it. */
const PLACEHOLDER = 'llm-refresh-placeholder'

const REMEDY =
  'Build each model for itself instead: `await refreshingModel(credential.map(({ accessToken }) => …))` waits for the first token.'

/**
 * Builds the provider that shows which members every later provider has.
 *
 * @throws RefreshError `invalid_option` if `build` is not a function; `invalid_provider` if `build` fails on the placeholder, returns a
 * promise, or returns no provider
 */
export function shapeOf(build: (token: TokenLike) => object): object {
  if (typeof build !== 'function') {
    throw optionError(
      'build',
      `must be a function that builds a provider from a token, not ${describe(build)}`,
    )
  }
  let shape: object
  try {
    shape = build(Object.freeze({ accessToken: PLACEHOLDER }))
  } catch (cause) {
    throw new RefreshError(
      'invalid_provider',
      `refreshingModels() reads from one build with the token '${PLACEHOLDER}' what the provider has, and that build failed. ${REMEDY}`,
      { cause },
    )
  }
  if (isPromise(shape)) {
    shape.then(undefined, () => undefined)
    throw new RefreshError(
      'invalid_provider',
      `refreshingModels() needs the provider at once, and its builder gives a promise. ${REMEDY}`,
    )
  }
  if (isData(shape)) {
    throw new RefreshError(
      'invalid_provider',
      `The builder of refreshingModels() gave ${describe(shape)} instead of a provider of the AI SDK: return what \`createOpenAI({ apiKey })\` gives, for instance.`,
    )
  }
  return shape
}
