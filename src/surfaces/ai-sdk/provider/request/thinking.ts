import { RefreshError } from '../../../../errors.ts'
import type { ThinkingConfig } from '../../../../llm/request.ts'
import { isRecord } from '../../record.ts'
import type { Dialect } from '../../vendor.ts'
import type { ProviderOptions } from '../options.ts'
import type { Report } from '../warnings.ts'

/** A thinking configuration in the model's form. */
export interface ThinkingCall {
  /** For the vendor's namespace; an `undefined` in it takes the user's own option away. */
  readonly options: Record<string, unknown>
  /** The specification's own field, which only v4 has: the AI SDK provider fits it to the model. */
  readonly reasoning?: string
}

/** Says it in the vendor's words, and reports what the vendor has no words for. */
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
  // Without a budget Gemini thinks as much as it sees fit.
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

/** OpenAI and its like: how hard to think can be said, how many tokens to spend cannot. */
function effortOnly(thinking: ThinkingConfig, dialect: Dialect, report: Report): ThinkingCall {
  if (thinking.mode === 'enabled') {
    unsupported(report, 'thinking.budgetTokens', `${dialect.modelId} takes an effort, not a budget`)
  }
  const { effort } = thinking
  if (effort === undefined) return { options: {} }
  if (dialect.version === 'v4') {
    // Set in the namespace, it would go out unfitted; and the user's own would outrank this one.
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

/** The tokens that the AI SDK spends on thinking without a budget. */
const DEFAULT_BUDGET = 1024

/** The tokens that the AI SDK provider adds to `maxOutputTokens` by itself, for thinking from any source. */
export function addedTokens(providerOptions: ProviderOptions, { vendor, namespaces }: Dialect): number {
  if (vendor !== 'anthropic') return 0
  const budgets = namespaces.map((name) => {
    const thinking = providerOptions[name]?.['thinking']
    if (!isRecord(thinking) || thinking['type'] !== 'enabled') return 0
    const { budgetTokens = DEFAULT_BUDGET } = thinking
    return typeof budgetTokens === 'number' ? budgetTokens : 0
  })
  // The winning alias differs between versions: the largest budget keeps the limit in any case.
  return Math.max(...budgets)
}

/**
 * Anthropic counts thinking within the response's limit, and refuses a budget that leaves nothing.
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
