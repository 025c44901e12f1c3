import type { OpaqueReasoningBlock } from '../../llm/content.ts'
import type { Vendor } from './vendor.ts'

/**
 * How a vendor's signature on reasoning fits into the one string that `ContentBlock` has for it. The vendor wants the signature back
 * unchanged. Anthropic's signature stays as it is, as in Anthropic's own API. Any other becomes `namespace:{json}`. So it returns complete
 * to its vendor, and never goes to another.
 */

/** An AI SDK part's metadata, by namespace. */
export type Metadata = Record<string, Record<string, unknown>>

/** The data that a vendor wants back with its reasoning. */
export type ReasoningMark = { readonly signature: string } | { readonly redacted: string }

/** The mark of a reasoning part, if it has one. */
export function readReasoningMark(metadata: Metadata | undefined): ReasoningMark | undefined {
  for (const [namespace, fields] of Object.entries(metadata ?? {})) {
    const { redactedData, signature, thoughtSignature, itemId, reasoningEncryptedContent } = fields ?? {}
    if (isText(redactedData)) return { redacted: tagged(namespace, 'redactedData', redactedData) }
    if (isText(signature)) return { signature: tagged(namespace, 'signature', signature) }
    if (isText(thoughtSignature)) return { signature: `google:${JSON.stringify({ thoughtSignature })}` }
    if (isText(itemId) || isText(reasoningEncryptedContent)) {
      const kept = {
        ...(isText(itemId) && { itemId }),
        ...(isText(reasoningEncryptedContent) && { reasoningEncryptedContent }),
      }
      return { signature: `openai:${JSON.stringify(kept)}` }
    }
  }
  return undefined
}

/** The block for reasoning that consists of a mark alone. undefined for an Anthropic mark: `ContentBlock` has blocks for those. */
export function opaqueBlock(mark: ReasoningMark): OpaqueReasoningBlock | undefined {
  const text = 'redacted' in mark ? mark.redacted : mark.signature
  const parsed = untagged(text)
  if (parsed === undefined) return undefined
  return { type: 'opaque_reasoning', provider: parsed.namespace, data: JSON.stringify(parsed.fields) }
}

/** The mark in a block that {@link opaqueBlock} made; undefined for any other block. */
export function opaqueMark({ provider, data }: OpaqueReasoningBlock): ReasoningMark | undefined {
  const signature = `${provider}:${data}`
  return untagged(signature) === undefined ? undefined : { signature }
}

/** Google's signature, unchanged, on a part that is not reasoning. */
export function readThoughtSignature(metadata: Metadata | undefined): string | undefined {
  for (const fields of Object.values(metadata ?? {})) {
    const signature = fields?.['thoughtSignature']
    if (isText(signature)) return signature
  }
  return undefined
}

/**
 * Makes the signature of an empty thinking block that carries Google's signature of an earlier part. Google signs texts, and a text block
 * has no field for that. Some streams send a tool call's signature only after the call.
 *
 * @param toolUseId the signed tool call; absent for the text directly before the thinking block
 */
export function carriedSignature(thoughtSignature: string, toolUseId?: string): string {
  return `google:${JSON.stringify({ carried: thoughtSignature, toolUseId })}`
}

/** The values in a signature that {@link carriedSignature} made; undefined for any other signature. */
export function readCarried(signature: string): { thoughtSignature: string; toolUseId?: string } | undefined {
  const { carried, toolUseId } = untagged(signature)?.fields ?? {}
  if (!isText(carried)) return undefined
  return { thoughtSignature: carried, ...(isText(toolUseId) && { toolUseId }) }
}

/** The `providerOptions` that return a mark to its vendor. undefined if another vendor made the mark: this one would refuse it. */
export function markOptions(
  mark: ReasoningMark,
  vendor: Vendor,
  namespaces: readonly string[],
): Metadata | undefined {
  const [bare, field] = 'redacted' in mark ? [mark.redacted, 'redactedData'] : [mark.signature, 'signature']
  const parsed = untagged(bare)
  const home = parsed === undefined ? 'anthropic' : parsed.namespace
  const fields = parsed === undefined ? { [field]: bare } : parsed.fields
  if (vendor === 'other') return { [home]: fields }
  if (vendor !== home) return undefined
  // Write to every namespace. For a reasoning part the AI SDK reads one namespace only; for the options of a call it tries the aliases,
  // too.
  return Object.fromEntries(namespaces.map((namespace) => [namespace, fields]))
}

function tagged(namespace: string, field: string, value: string): string {
  return namespace === 'anthropic' ? value : `${namespace}:${JSON.stringify({ [field]: value })}`
}

function untagged(mark: string): { namespace: string; fields: Record<string, unknown> } | undefined {
  // Anthropic's marks are base64, which contains no colon and no brace.
  const [, namespace, json] = /^([\w.-]+):(\{.*\})$/s.exec(mark) ?? []
  if (namespace === undefined || json === undefined) return undefined
  try {
    const fields: unknown = JSON.parse(json)
    return typeof fields === 'object' && fields !== null ? { namespace, fields: { ...fields } } : undefined
  } catch {
    return undefined
  }
}

function isText(value: unknown): value is string {
  return typeof value === 'string' && value !== ''
}
