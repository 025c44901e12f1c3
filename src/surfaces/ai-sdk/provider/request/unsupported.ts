/**
 * What happens to a part of a request that an AI SDK prompt cannot express: we leave the part out and report it, or refuse the request.
 */

import { RefreshError } from '../../../../errors.ts'
import type { ContentBlock, Message } from '../../../../llm/content.ts'
import type { Report } from '../warnings.ts'

/** Reports a part that this vendor does not support, and that we left out. */
export function dropped(report: Report, feature: string, details: string): void {
  report({ type: 'unsupported', feature, details })
}

/** The error for a block in a message whose role cannot hold it. */
export function misplaced(block: ContentBlock, role: Message['role'], where: string): RefreshError {
  return impossible(
    `${where}: a message of the ${role} cannot hold a ${block.type} block: move it to one that can.`,
  )
}

/** The error for a conversation that no vendor supports. */
export function impossible(message: string): RefreshError {
  return new RefreshError('invalid_request', message)
}
