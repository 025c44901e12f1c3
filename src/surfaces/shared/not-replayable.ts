import { RefreshError } from '../../errors.ts'

/** Why a rejected request is not sent again. */

export function streamed(): RefreshError {
  return new RefreshError(
    'body_not_replayable',
    'The rejected request was not repeated, for its body is a stream: give it as bytes or text.',
  )
}

/** @param limit bytes */
export function tooLarge(limit: number): RefreshError {
  return new RefreshError(
    'body_not_replayable',
    `The rejected request was not repeated, for its body is over the replayLimit of ${limit} bytes.`,
  )
}
