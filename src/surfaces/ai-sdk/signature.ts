import type { OpaqueReasoningBlock } from '../../llm/content.ts'
import type { Vendor } from './vendor.ts'

/**
 * Vendors sign their reasoning, and want the signature back unchanged. `ContentBlock` has one string for it.
 * Anthropic's is kept bare, as in its own API. Any other is written `namespace:{json}`, so that it finds its
 * way home whole, and one vendor's is never sent to another.
 */

/** An AI SDK part's metadata, by namespace. */
export type Metadata = Record<string, Record<string, unknown>>

/** The data that a vendor wants back with a piece of reasoning. */
export type ReasoningMark = { readonly signature: string } | { readonly redacted: string }

/** The mark on a reasoning part, if there is one. */
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

/** The block for reasoning that is nothing but a mark; undefined for Anthropic's marks, which its own API has blocks for. */
export function opaqueBlock(mark: ReasoningMark): OpaqueReasoningBlock | undefined {
  const text = 'redacted' in mark ? mark.redacted : mark.signature
  const parsed = untagged(text)
  if (parsed === undefined) return undefined
  return { type: 'opaque_reasoning', provider: parsed.namespace, data: JSON.stringify(parsed.fields) }
}

/** The mark that {@link opaqueBlock} was made from; undefined for a block of any other origin. */
export function opaqueMark({ provider, data }: OpaqueReasoningBlock): ReasoningMark | undefined {
  const signature = `${provider}:${data}`
  return untagged(signature) === undefined ? undefined : { signature }
}

/** Google's signature on a part that is not reasoning, bare. */
export function readThoughtSignature(metadata: Metadata | undefined): string | undefined {
  for (const fields of Object.values(metadata ?? {})) {
    const signature = fields?.['thoughtSignature']
    if (isText(signature)) return signature
  }
  return undefined
}

/**
 * Google signs texts, for which a text block has no place, and some streams tell the signature of a tool call only
 * when the call is over. An empty thinking block that comes later carries such a signature.
 *
 * @param toolUseId absent for the text right before it
 */
export function carriedSignature(thoughtSignature: string, toolUseId?: string): string {
  return `google:${JSON.stringify({ carried: thoughtSignature, toolUseId })}`
}

/** The values that {@link carriedSignature} put into a signature; undefined for any other signature. */
export function readCarried(signature: string): { thoughtSignature: string; toolUseId?: string } | undefined {
  const { carried, toolUseId } = untagged(signature)?.fields ?? {}
  if (!isText(carried)) return undefined
  return { thoughtSignature: carried, ...(isText(toolUseId) && { toolUseId }) }
}

/**
 * The `providerOptions` of a reasoning part that give the vendor its mark back; undefined for another
 * vendor's, which it would refuse.
 */
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
  // A reasoning part has no fallback from one namespace to the next, as the options of a call do.
  return Object.fromEntries(namespaces.map((namespace) => [namespace, fields]))
}

function tagged(namespace: string, field: string, value: string): string {
  return namespace === 'anthropic' ? value : `${namespace}:${JSON.stringify({ [field]: value })}`
}

function untagged(mark: string): { namespace: string; fields: Record<string, unknown> } | undefined {
  // Anthropic's are base64, in which neither a colon nor a brace occurs.
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
