import type { RefreshError } from '../../errors.ts'
import { releaseBody } from '../shared/release-body.ts'
import { keep } from './body/replay.ts'
import { copied, type AppliedHeaders, putOn, withCredential } from './headers.ts'
import type { DispatchOptions, Replay } from './types.ts'

/** The caller's request. Each attempt sends it with the attempt's own credential, and with the same body. */
export class OutgoingRequest {
  /** Method and path, without the query. */
  readonly endpoint: string
  readonly #replay: Replay | undefined
  #options: DispatchOptions
  #applied: AppliedHeaders | undefined
  readonly #isOwned: boolean

  /**
   * @param replayLimit the most bytes of the body that we may keep
   * @param isOwned true if no one will change the request from now on
   */
  constructor(options: DispatchOptions, replayLimit: number, isOwned: boolean) {
    this.#options = options
    this.#replay = keep(options.body, replayLimit, isOwned)
    this.#isOwned = isOwned
    this.endpoint = endpointOf(options)
  }

  get method(): string {
    return this.#options.method
  }

  /** True if an attempt was prepared, and perhaps sent. */
  get wasPrepared(): boolean {
    return this.#applied !== undefined
  }

  /** Copies the headers, because the caller may change its own while the request waits. */
  copyHeaders(): void {
    if (this.#isOwned) return
    this.#options = { ...this.#options, headers: copied(this.#options.headers) }
  }

  /** The options for the dispatch of the next attempt. */
  prepare(credential: AppliedHeaders): DispatchOptions {
    // We do not spread: Node 20 takes some microseconds to add to an object that was made by spreading another.
    const options = this.#isOwned ? this.#options : Object.assign<object, DispatchOptions>({}, this.#options)
    options.headers = this.#isOwned
      ? putOn(options.headers, credential, this.#applied)
      : withCredential(options.headers, credential, this.#applied)
    if (this.#replay !== undefined) options.body = this.#replay.body()
    // Let undici follow no redirect, because its interceptor removes only `Authorization` when it leaves the origin.
    if (credential.survivesRedirects) options.maxRedirections = 0
    // Remove the caller's name for TLS, so that undici expects the certificate of the origin.
    if (options.servername !== undefined) options.servername = undefined
    this.#options = options
    this.#applied = credential
    return options
  }

  /** Why the body cannot be sent again; undefined if it can. */
  refusal(): RefreshError | undefined {
    return this.#replay?.refusal()
  }

  /** True if the body is recorded while an attempt sends it. */
  get isRecorded(): boolean {
    return this.#replay?.complete !== undefined
  }

  /**
   * Returns the verdict on the first attempt, after it has read on in the body as far as the body has arrived. It does so even if the
   * refresh takes no time.
   */
  async completeBefore<V>(verdict: V): Promise<V> {
    void this.#replay?.complete?.()
    if (this.#replay?.isArriving?.() === true) await new Promise(setImmediate)
    return verdict
  }

  /** Discards the copy of the body after the last attempt, and the caller's body if no attempt was prepared. */
  end(): void {
    this.#replay?.end?.()
    if (!this.wasPrepared) releaseBody(this.#options.body)
  }

  /** Tells the body that the caller's response has ended, or why the call has failed. */
  over(error?: unknown): void {
    this.#replay?.over?.(error)
  }
}

/** The last endpoint, because most requests go to the same one. */
let last = { method: '', path: '', endpoint: '' }

function endpointOf({ method, path }: DispatchOptions): string {
  if (method === last.method && path === last.path) return last.endpoint
  // An invalid path has no endpoint: undici refuses it.
  const [named = ''] = typeof path === 'string' ? path.split('?', 1) : []
  const endpoint = `${method} ${named}`
  last = { method, path, endpoint }
  return endpoint
}
