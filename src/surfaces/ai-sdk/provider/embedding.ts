import { RefreshError } from '../../../errors.ts'
import { abortable, throwIfAborted } from '../../../lib/abortable.ts'
import type { EmbedOutcome, EmbedRequest, EmbedResponse } from '../../../llm/embedding.ts'
import type { CallOptions } from '../../../llm/request.ts'
import type { AiSdkEmbeddingModel, AiSdkEmbedOptions, AiSdkEmbedResult } from '../model.ts'
import { isRecord } from '../record.ts'
import { type Dialect, dialectOf, type Vendor } from '../vendor.ts'
import { checkNamespaces, type ProviderOptions } from './options.ts'
import { overlaid } from './request/call.ts'
import { outcomeOf } from './response/failure.ts'
import { isSdkWarning, readSdkWarning } from './response/sdk-warning.ts'
import { specified } from './response/specified.ts'
import { oncePerCall, type Report } from './warnings.ts'

/** Each vendor's option for the length of a vector. */
const DIMENSIONS: Readonly<Record<Vendor, string | undefined>> = {
  openai: 'dimensions',
  'openai-compatible': 'dimensions',
  google: 'outputDimensionality',
  anthropic: undefined,
  other: undefined,
}

/** Makes the `embed` of a provider out of an AI SDK embedding model. Each request becomes one HTTP request, as in a chat. */
export class Embedding {
  readonly #model: AiSdkEmbeddingModel
  readonly #dialect: Dialect
  readonly #providerOptions: ProviderOptions
  readonly #report: Report

  /** @throws RefreshError `invalid_option` for options in a namespace that the model does not read */
  constructor(model: AiSdkEmbeddingModel, providerOptions: ProviderOptions = {}, report: Report) {
    this.#model = model
    this.#dialect = dialectOf(model, undefined)
    this.#providerOptions = providerOptions
    this.#report = report
    checkNamespaces('embeddingProviderOptions', providerOptions, this.#dialect, report)
  }

  async embed(request: EmbedRequest, { signal }: CallOptions = {}): Promise<EmbedOutcome> {
    throwIfAborted(signal)
    const report = oncePerCall(this.#report)
    assertRequest(request)
    let result: AiSdkEmbedResult
    try {
      const asking = this.#assertFits(request).then(() => {
        throwIfAborted(signal)
        return this.#model.doEmbed(this.#call(request, signal, report))
      })
      result = await abortable(asking, signal)
    } catch (error) {
      throwIfAborted(signal)
      return outcomeOf(error)
    }
    return specified('invalid_provider', () => {
      const response = this.#response(request, result)
      this.#reportAll(request, result, response, report)
      return { type: 'success', response }
    })
  }

  /** Refuses a request with too many texts: the AI SDK's own error does not say what to do. */
  async #assertFits({ input }: EmbedRequest): Promise<void> {
    const most = await this.#model.maxEmbeddingsPerCall
    if (typeof most !== 'number' || input.length <= most) return
    throw invalid(
      `input has ${input.length} texts, and ${this.#model.modelId} takes at most ${most} in one request: split it.`,
    )
  }

  #call(
    { input, dimensions }: EmbedRequest,
    signal: AbortSignal | undefined,
    report: Report,
  ): AiSdkEmbedOptions {
    const { vendor, version, modelId } = this.#dialect
    const name = DIMENSIONS[vendor]
    const isNative = version === 'v4'
    if (dimensions !== undefined && !isNative && name === undefined) {
      const details = `how to ask ${modelId} for it is not known: use embeddingProviderOptions`
      report({ type: 'unsupported', feature: 'embed.dimensions', details })
    }
    // The number of dimensions in the request wins over the user's option. That option wins over the field that v4 has for it.
    const ours = dimensions === undefined || name === undefined ? {} : { [name]: dimensions }
    return {
      values: [...input],
      ...(dimensions !== undefined && isNative && { dimensions }),
      ...(signal !== undefined && { abortSignal: signal }),
      providerOptions: overlaid(this.#providerOptions, ours, this.#dialect),
    }
  }

  #response({ input }: EmbedRequest, { embeddings, usage, response }: AiSdkEmbedResult): EmbedResponse {
    const { modelId } = this.#model
    if (!Array.isArray(embeddings) || embeddings.length !== input.length || !embeddings.every(isVector)) {
      throw new RefreshError(
        'invalid_provider',
        `${modelId} was given ${input.length} texts, and did not answer with a vector of numbers for each: is it an embedding model?`,
      )
    }
    const tokens = isRecord(usage) ? usage['tokens'] : undefined
    const body = isRecord(response) ? response['body'] : undefined
    const answered = isRecord(body) ? body['model'] : undefined
    return {
      embeddings,
      model: typeof answered === 'string' ? answered : modelId,
      // Some vendors count no tokens. The AI SDK then returns nothing, or NaN.
      usage: { inputTokens: typeof tokens === 'number' && Number.isFinite(tokens) ? tokens : 0 },
    }
  }

  #reportAll(
    { dimensions }: EmbedRequest,
    { warnings }: AiSdkEmbedResult,
    { embeddings }: EmbedResponse,
    report: Report,
  ): void {
    for (const warning of warnings ?? []) if (isSdkWarning(warning)) report(readSdkWarning(warning))
    const odd = embeddings.find(({ length }) => length !== dimensions)
    if (dimensions === undefined || odd === undefined) return
    const details = `${this.#model.modelId} gave ${odd.length} dimensions, not ${dimensions}`
    report({ type: 'unsupported', feature: 'embed.dimensions', details })
  }
}

function assertRequest({ input, dimensions }: EmbedRequest): void {
  if (!Array.isArray(input) || input.length === 0 || !input.every((text) => typeof text === 'string'))
    throw invalid('input must be a list of at least one text.')
  if (dimensions === undefined || (Number.isSafeInteger(dimensions) && dimensions > 0)) return
  throw invalid(`dimensions must be a whole number above 0, not ${String(dimensions)}.`)
}

function invalid(problem: string): RefreshError {
  return new RefreshError('invalid_request', problem)
}

function isVector(value: unknown): value is number[] {
  return Array.isArray(value) && value.length > 0 && value.every((number) => Number.isFinite(number))
}
