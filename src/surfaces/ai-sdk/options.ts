import { RefreshError } from '../../core/errors.ts'
import type { ModelCapabilities } from '../../llm/capabilities.ts'
import type { ThinkingConfig } from '../../llm/request.ts'
import type { Dialect, Vendor } from './vendor.ts'
import type { ProviderWarning, Report } from './warnings.ts'

/** Options for a vendor, by namespace, as the AI SDK documents them: `{ anthropic: { … } }`. */
export type ProviderOptions = Record<string, Record<string, unknown>>

/** How a model is to be used as a provider. */
export interface LanguageModelProviderOptions {
  /** What is known of the model. Default: nothing; then only the vendor can refuse what it cannot do. */
  capabilities?: ModelCapabilities | undefined
  /** The thinking that applies when a request names none. Default: none is asked for. */
  thinking?: ThinkingConfig | undefined
  /**
   * Options for the vendor that go with every request, in the AI SDK's namespaces. Where a request says
   * something itself, the request wins. Default: none.
   */
  providerOptions?: ProviderOptions | undefined
  /**
   * Whose protocol the model speaks. Default: told from the model's `provider`. Say it where a model goes by
   * a name of its own, for instance one made with `createAnthropic({ name: 'my-proxy' })`.
   */
  vendor?: Vendor | undefined
  /**
   * Told of whatever did not get through: a field of a request that the vendor cannot honour, a kind of
   * content that `ContentBlock` cannot hold, and the AI SDK's own warnings. What it throws is ignored.
   * Default: each distinct warning is printed once, with `console.warn`.
   */
  onWarning?: ((warning: ProviderWarning) => void) | undefined
}

// Written as data, and checked against the type, so that the message below can name them all.
const KNOWN: Record<keyof LanguageModelProviderOptions, true> = {
  capabilities: true,
  thinking: true,
  providerOptions: true,
  vendor: true,
  onWarning: true,
}

const VENDORS: Record<Vendor, true> = {
  anthropic: true,
  openai: true,
  google: true,
  'openai-compatible': true,
  other: true,
}

/** @throws RefreshError `invalid_option` that names the option and what would do. */
export function assertOptions(options: unknown): asserts options is LanguageModelProviderOptions {
  if (!isRecord(options)) throw invalidOption('The options must be an object.')
  for (const key of Object.keys(options)) {
    if (Object.hasOwn(KNOWN, key)) continue
    throw invalidOption(`Unknown option '${key}'. Known: ${Object.keys(KNOWN).join(', ')}.`)
  }
  const { capabilities, thinking, providerOptions, vendor, onWarning } = options
  if (capabilities !== undefined && !isRecord(capabilities)) {
    throw invalidOption('capabilities must be an object.')
  }
  if (thinking !== undefined && !isRecord(thinking)) throw invalidOption('thinking must be an object.')
  if (onWarning !== undefined && typeof onWarning !== 'function') {
    throw invalidOption('onWarning must be a function.')
  }
  if (vendor !== undefined && !(typeof vendor === 'string' && Object.hasOwn(VENDORS, vendor))) {
    throw invalidOption(`vendor must be one of ${Object.keys(VENDORS).join(', ')}.`)
  }
  if (providerOptions !== undefined) assertNamespaced(providerOptions)
}

function assertNamespaced(providerOptions: unknown): void {
  if (isRecord(providerOptions) && Object.values(providerOptions).every(isRecord)) return
  throw invalidOption(
    'providerOptions must hold one object per namespace, for instance { anthropic: { … } }.',
  )
}

/**
 * Options in a namespace that the model does not read would be lost in silence. With a vendor that is known
 * that is an error; with any other it can only be suspected.
 *
 * @throws RefreshError `invalid_option`
 */
export function checkNamespaces(
  providerOptions: ProviderOptions | undefined,
  dialect: Dialect,
  report: Report,
): void {
  const read = [...new Set(dialect.namespaces)]
  for (const namespace of Object.keys(providerOptions ?? {})) {
    if (read.includes(namespace)) continue
    if (dialect.vendor === 'other') {
      report({
        type: 'other',
        feature: `providerOptions.${namespace}`,
        details: `passed on, but this model is only known to read ${read.join(', ')}`,
      })
      continue
    }
    throw invalidOption(
      `providerOptions.${namespace} is not read by ${dialect.modelId}. It reads: ${read.join(', ')}.`,
    )
  }
}

/**
 * `ours` laid over `theirs`, objects merged at every depth. An `undefined` of ours takes theirs away. Neither is changed.
 */
export function merged(
  theirs: Record<string, unknown>,
  ours: Record<string, unknown>,
): Record<string, unknown> {
  const result = { ...theirs }
  for (const [key, value] of Object.entries(ours)) {
    const under = result[key]
    if (value === undefined) delete result[key]
    else result[key] = isRecord(value) ? merged(isRecord(under) ? under : {}, value) : value
  }
  return result
}

/** A plain object, and no array. */
export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function invalidOption(message: string): RefreshError {
  return new RefreshError('invalid_option', message)
}
