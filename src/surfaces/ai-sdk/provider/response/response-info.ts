import type { ResponseInfo } from '../../../../llm/response.ts'
import { isRecord } from '../../record.ts'

/** The facts about a response, besides its content, that an AI SDK model reports. Fields that break the specification are ignored. */
export function aboutResponse(
  response: unknown,
  end: { readonly finishReason?: unknown; readonly providerMetadata?: unknown } = {},
): ResponseInfo {
  const { id, modelId, timestamp, headers } = isRecord(response) ? response : {}
  const { finishReason, providerMetadata } = end
  const raw = isRecord(finishReason) ? finishReason['raw'] : undefined
  const time = timestamp instanceof Date ? timestamp.getTime() : NaN
  return {
    ...(typeof id === 'string' && { id }),
    ...(typeof modelId === 'string' && { model: modelId }),
    ...(Number.isFinite(time) && { createdAt: time }),
    ...(isRecord(headers) && { headers: texts(headers) }),
    ...(typeof raw === 'string' && { rawStopReason: raw }),
    ...(isMetadata(providerMetadata) && { providerMetadata }),
  }
}

function texts(headers: Record<string, unknown>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(headers).filter((entry): entry is [string, string] => typeof entry[1] === 'string'),
  )
}

function isMetadata(value: unknown): value is Record<string, Record<string, unknown>> {
  return isRecord(value) && Object.keys(value).length > 0
}
