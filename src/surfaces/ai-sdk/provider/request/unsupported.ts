/** Finds requests that an AI SDK prompt cannot express. Either the part is reported and left out, or the request is refused. */

import { RefreshError } from '../../../../errors.ts'
import type { ContentBlock, Message } from '../../../../llm/content.ts'
import type { Report } from '../warnings.ts'

/** Reports what this vendor cannot be told. */
export function dropped(report: Report, feature: string, details: string): void {
  report({ type: 'unsupported', feature, details })
}

/** A block in a message of a role that cannot hold it. */
export function misplaced(block: ContentBlock, role: Message['role'], where: string): RefreshError {
  return impossible(
    `${where}: a message of the ${role} cannot hold a ${block.type} block: move it to one that can.`,
  )
}

/** A conversation that no vendor can be told. */
export function impossible(message: string): RefreshError {
  return new RefreshError('invalid_request', message)
}
