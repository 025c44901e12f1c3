import { RefreshError } from '../../../errors.ts'
import { describe, optionError } from '../../../lib/options.ts'
import { isData } from './kind.ts'
import { isPromise } from './place.ts'

/** A token as far as this surface looks at it. A builder may read the rest, where there is any. */
export interface TokenLike {
  readonly accessToken: string
}

/** Any type but a promise: the built value must be there at once. */
export interface NotPromise {
  readonly then?: never
}

/** The token that shows what a provider has. No request is made with it. */
const PLACEHOLDER = 'llm-refresh-placeholder'

const REMEDY =
  'Build each model for itself instead: `await refreshingModel(credential.map(({ accessToken }) => …))` waits for the first token.'

/**
 * The provider that shows what those have that are built later.
 *
 * @throws RefreshError `invalid_option` where there is no builder, `invalid_provider` where it needs a real token, or a wait
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
