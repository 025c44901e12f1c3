import type { LanguageModelV4FunctionTool, LanguageModelV4ToolChoice } from '@ai-sdk/provider'
import { RefreshError } from '../../../../errors.ts'
import type { ModelCapabilities } from '../../../../llm/capabilities.ts'
import type { ChatRequest, ThinkingConfig } from '../../../../llm/request.ts'
import type { AiSdkCallOptions } from '../../model.ts'
import { isRecord, merged } from '../../record.ts'
import type { Dialect } from '../../vendor.ts'
import type { ProviderOptions } from '../options.ts'
import type { Report } from '../warnings.ts'
import { toPrompt } from './prompt.ts'
import { addedTokens, assertRoom, thinkingCall } from './thinking.ts'

/** The facts, besides the request, that a call depends on. */
export interface CallContext {
  readonly dialect: Dialect
  /** The thinking of the request, or else the configured one. */
  readonly thinking: ThinkingConfig | undefined
  readonly capabilities: ModelCapabilities | undefined
  readonly providerOptions: ProviderOptions
  readonly signal: AbortSignal | undefined
  readonly report: Report
}

/**
 * Converts a request into an AI SDK call. Reports each field that the vendor does not support.
 *
 * @throws RefreshError `invalid_request` for a request that no vendor supports
 */
export function toCall(request: ChatRequest, context: CallContext): AiSdkCallOptions {
  const { dialect, report, signal } = context
  assertMaxTokens(request.maxTokens)
  const thinking = thinkingCall(context.thinking, dialect, report)
  const format = request.responseFormat
  const maxTokens = request.maxTokens ?? requiredMaxTokens(context)
  const ours = { ...thinking.options, ...vendorFields(request, dialect, report) }
  const providerOptions = overlaid(context.providerOptions, ours, dialect)
  const added = addedTokens(providerOptions, dialect)
  assertRoom(added, maxTokens)
  return {
    prompt: toPrompt(request, dialect, report),
    ...(maxTokens !== undefined && { maxOutputTokens: maxTokens - added }),
    ...(format !== undefined && {
      responseFormat: {
        type: 'json',
        schema: format.schema,
        name: format.name,
        ...(format.description !== undefined && { description: format.description }),
      },
    }),
    ...toolsOf(request),
    ...(thinking.reasoning !== undefined && { reasoning: thinking.reasoning }),
    ...(signal !== undefined && { abortSignal: signal }),
    providerOptions,
  }
}

function assertMaxTokens(maxTokens: number | undefined): void {
  if (maxTokens === undefined || (Number.isSafeInteger(maxTokens) && maxTokens > 0)) return
  throw new RefreshError(
    'invalid_request',
    `maxTokens must be a whole number of tokens above 0, not ${String(maxTokens)}.`,
  )
}

/**
 * Anthropic demands a limit, so it gets the model's known maximum. If that is not known, the AI SDK's provider chooses the limit. Other
 * vendors have defaults.
 */
function requiredMaxTokens({ dialect, capabilities }: CallContext): number | undefined {
  return dialect.vendor === 'anthropic' ? capabilities?.maxOutputTokens : undefined
}

function toolsOf({ tools, toolChoice }: ChatRequest): Pick<AiSdkCallOptions, 'tools' | 'toolChoice'> {
  if (toolChoice?.type === 'tool' && !tools?.some((tool) => tool.name === toolChoice.name)) {
    throw new RefreshError(
      'invalid_request',
      `toolChoice names the tool '${toolChoice.name}', which is not among the request's tools: add it.`,
    )
  }
  if (tools === undefined || tools.length === 0) return {}
  return {
    tools: tools.map(({ name, description, inputSchema }): LanguageModelV4FunctionTool => ({
      type: 'function',
      name,
      ...(description !== undefined && { description }),
      inputSchema,
    })),
    ...(toolChoice !== undefined && { toolChoice: choiceOf(toolChoice) }),
  }
}

function choiceOf(choice: NonNullable<ChatRequest['toolChoice']>): LanguageModelV4ToolChoice {
  return choice.type === 'tool' ? { type: 'tool', toolName: choice.name } : { type: 'auto' }
}

/**
 * Reports a forced tool that the AI SDK did not force. For an Anthropic model that takes no schema, the AI SDK turns the schema into a
 * tool, and lets the model use any tool. Only the request that the AI SDK sent shows whether it forced the tool.
 */
export function reportLostChoice(
  request: ChatRequest,
  result: object,
  dialect: Dialect,
  report: Report,
): void {
  const { toolChoice, responseFormat } = request
  if (dialect.vendor !== 'anthropic' || toolChoice?.type !== 'tool' || responseFormat === undefined) return
  const sent: unknown = Reflect.get(result, 'request')
  const body = isRecord(sent) ? sent['body'] : undefined
  const choice = isRecord(body) ? body['tool_choice'] : undefined
  if (isRecord(choice) && choice['type'] === 'tool') return
  const details = `'${toolChoice.name}' is not forced: the model may answer in the responseFormat instead`
  report({ type: 'unsupported', feature: 'toolChoice', details })
}

/** The fields that each vendor names differently, or does not know. */
function vendorFields(request: ChatRequest, dialect: Dialect, report: Report): Record<string, unknown> {
  const { vendor } = dialect
  const { sessionId, cachedContent } = request
  const strict = request.responseFormat?.strict
  const fields: Record<string, unknown> = {}
  if (sessionId !== undefined) {
    if (vendor === 'anthropic') fields['metadata'] = { userId: sessionId }
    else if (vendor === 'openai') fields['promptCacheKey'] = sessionId
    else report({ type: 'unsupported', feature: 'sessionId' })
  }
  if (cachedContent !== undefined) {
    if (vendor === 'google') fields['cachedContent'] = cachedContent
    else report({ type: 'unsupported', feature: 'cachedContent' })
  }
  // Other vendors always enforce a schema, or never do.
  if (strict !== undefined && (vendor === 'openai' || vendor === 'openai-compatible')) {
    if (strict && dialect.version === 'v2' && request.tools?.length) {
      const details = 'AI SDK 5 would enforce the schemas of the tools, too, which must be written for that'
      report({ type: 'unsupported', feature: 'responseFormat.strict', details })
    } else {
      fields['strictJsonSchema'] = strict
    }
  }
  return fields
}

/**
 * Lays our options over the user's. Versions differ in which alias wins. So ours go into each alias that the user has filled, and into the
 * namespace that every version reads.
 */
export function overlaid(
  theirs: ProviderOptions,
  ours: Record<string, unknown>,
  dialect: Dialect,
): ProviderOptions {
  if (Object.keys(ours).length === 0) return theirs
  const [always, ...aliases] = dialect.namespaces
  const targets = [always, ...aliases.filter((alias) => Object.hasOwn(theirs, alias))]
  return {
    ...theirs,
    ...Object.fromEntries(targets.map((name) => [name, merged(theirs[name] ?? {}, ours)])),
  }
}
