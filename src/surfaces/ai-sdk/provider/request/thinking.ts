import { RefreshError } from '../../../../errors.ts'
import type { ThinkingConfig } from '../../../../llm/request.ts'
import { isRecord } from '../../record.ts'
import type { Dialect } from '../../vendor.ts'
import type { ProviderOptions } from '../options.ts'
import type { Report } from '../warnings.ts'

/** A thinking configuration in the model's form. */
export interface ThinkingCall {
  /** Options for the vendor's namespace. One that is `undefined` here removes the user's option of that name. */
  readonly options: Record<string, unknown>
  /** The field that only the v4 specification has. The AI SDK's provider adapts it to the model. */
  readonly reasoning?: string
}

/** Converts the thinking configuration into the vendor's options, and reports each field that the vendor does not support. */
export function thinkingCall(
  thinking: ThinkingConfig | undefined,
  dialect: Dialect,
  report: Report,
): ThinkingCall {
  if (thinking === undefined) return { options: {} }
  switch (dialect.vendor) {
    case 'anthropic':
      return anthropic(thinking)
    case 'google':
      return google(thinking, dialect, report)
    case 'openai':
    case 'openai-compatible':
    case 'other':
      return effortOnly(thinking, dialect, report)
    default:
      dialect.vendor satisfies never
      return { options: {} }
  }
}

function anthropic(thinking: ThinkingConfig): ThinkingCall {
  const effort = thinking.effort === undefined ? {} : { effort: thinking.effort }
  if (thinking.mode === 'adaptive') {
    return { options: { thinking: { type: 'adaptive', budgetTokens: undefined }, ...effort } }
  }
  const { budgetTokens } = thinking
  return { options: { thinking: { type: 'enabled', budgetTokens }, ...effort } }
}

function google(thinking: ThinkingConfig, dialect: Dialect, report: Report): ThinkingCall {
  if (thinking.mode === 'enabled') {
    if (thinking.effort !== undefined) {
      unsupported(
        report,
        'thinking.effort',
        'Gemini takes a budget or a level, not both; the budget was sent',
      )
    }
    const thinkingConfig = {
      thinkingBudget: thinking.budgetTokens,
      thinkingLevel: undefined,
      includeThoughts: true,
    }
    return { options: { thinkingConfig } }
  }
  const { effort } = thinking
  // Without a budget Gemini decides by itself how much it thinks.
  const open = { thinkingBudget: undefined, includeThoughts: true }
  if (effort === undefined) return { options: { thinkingConfig: open } }
  if (dialect.version === 'v4') {
    return { options: { thinkingConfig: { ...open, thinkingLevel: undefined } }, reasoning: effort }
  }
  if (/gemini-[12]\b/.test(dialect.modelId)) {
    unsupported(report, 'thinking.effort', `${dialect.modelId} takes a budget instead`)
    return { options: { thinkingConfig: open } }
  }
  return { options: { thinkingConfig: { ...open, thinkingLevel: highAtMost(effort, report) } } }
}

/** OpenAI and compatible servers take an effort, and no number of tokens. */
function effortOnly(thinking: ThinkingConfig, dialect: Dialect, report: Report): ThinkingCall {
  if (thinking.mode === 'enabled') {
    unsupported(report, 'thinking.budgetTokens', `${dialect.modelId} takes an effort, not a budget`)
  }
  const { effort } = thinking
  if (effort === undefined) return { options: {} }
  if (dialect.version === 'v4') {
    // Remove the user's effort from the namespace: it would win over this one. Ours stays out of there, because the AI SDK adapts only the
    // field `reasoning` to the model.
    const options = dialect.vendor === 'other' ? {} : { reasoningEffort: undefined }
    return { options, reasoning: effort }
  }
  if (dialect.vendor === 'other') {
    unsupported(
      report,
      'thinking.effort',
      `how to ask ${dialect.modelId} for it is not known: use providerOptions, or the option vendor`,
    )
    return { options: {} }
  }
  return { options: { reasoningEffort: highAtMost(effort, report) } }
}

function highAtMost(effort: NonNullable<ThinkingConfig['effort']>, report: Report): string {
  if (effort !== 'max') return effort
  report({ type: 'compatibility', feature: 'thinking.effort', details: `'max' was sent as 'high'` })
  return 'high'
}

/** The tokens that the AI SDK spends on thinking if the options name no budget. */
const DEFAULT_BUDGET = 1024

/** The tokens that the AI SDK's Anthropic provider adds to `maxOutputTokens` for thinking, whoever configured it. */
export function addedTokens(providerOptions: ProviderOptions, { vendor, namespaces }: Dialect): number {
  if (vendor !== 'anthropic') return 0
  const budgets = namespaces.map((name) => {
    const thinking = providerOptions[name]?.['thinking']
    if (!isRecord(thinking) || thinking['type'] !== 'enabled') return 0
    const { budgetTokens = DEFAULT_BUDGET } = thinking
    return typeof budgetTokens === 'number' ? budgetTokens : 0
  })
  // Versions differ in which alias wins. The largest budget keeps `maxTokens` in any case.
  return Math.max(...budgets)
}

/**
 * Refuses a thinking budget that leaves no tokens for the response, as Anthropic does: it counts thinking within the response's limit.
 *
 * @throws RefreshError `invalid_request`
 */
export function assertRoom(added: number, maxTokens: number | undefined): void {
  if (maxTokens === undefined || added < maxTokens) return
  throw new RefreshError(
    'invalid_request',
    `thinking.budgetTokens is ${added}, but maxTokens is ${maxTokens}: leave room for the answer.`,
  )
}

function unsupported(report: Report, feature: string, details: string): void {
  report({ type: 'unsupported', feature, details })
}
