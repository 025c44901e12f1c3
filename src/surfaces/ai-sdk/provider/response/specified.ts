import { RefreshError } from '../../../../errors.ts'
import type { AiSdkPart } from '../../model.ts'

/** The texts of each part that we pass on unread. No other code would notice if one were missing. */
const TEXTS: ReadonlyMap<string, readonly string[]> = new Map([
  ['text', ['text']],
  ['reasoning', ['text']],
  ['text-delta', ['delta']],
  ['reasoning-delta', ['delta']],
  ['tool-input-start', ['id', 'toolName']],
  ['tool-input-delta', ['id', 'delta']],
  ['tool-call', ['toolCallId', 'toolName', 'input']],
])

/** @throws TypeError that names the missing text of a part */
export function assertTexts(part: AiSdkPart): void {
  for (const name of TEXTS.get(part.type) ?? []) {
    if (typeof Reflect.get(part, name) !== 'string') {
      throw new TypeError(`The ${name} of a ${part.type} is no string.`)
    }
  }
}

/**
 * Runs `read` on a value that a model returned. The value may break its declared type, and then `read` fails with a `TypeError`.
 *
 * @throws RefreshError with `code` instead of a `TypeError`
 */
export function specified<T>(code: 'invalid_stream' | 'invalid_provider', read: () => T): T {
  try {
    return read()
  } catch (cause) {
    if (!(cause instanceof TypeError)) throw cause
    const what = code === 'invalid_stream' ? 'sent a part' : 'gave an answer'
    throw new RefreshError(
      code,
      `The model ${what} that breaks the AI SDK specification: upgrade its provider package.`,
      { cause },
    )
  }
}
