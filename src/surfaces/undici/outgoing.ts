import type { RefreshError } from '../../errors.ts'
import { releaseBody } from '../shared/release-body.ts'
import { keep } from './body/replay.ts'
import { copied, type AppliedHeaders, putOn, withCredential } from './headers.ts'
import type { DispatchOptions, Replay } from './types.ts'

/** The request as the caller made it: each attempt sends it with its own credential, and with the same body. */
export class OutgoingRequest {
  /** Method and path, without the query. */
  readonly endpoint: string
  readonly #replay: Replay | undefined
  #options: DispatchOptions
  #applied: AppliedHeaders | undefined
  readonly #isOwned: boolean

  /**
   * @param replayLimit bytes of its body that may be kept
   * @param isOwned no one changes the request from now on
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

  /** An attempt was prepared: it may have been sent. */
  get wasPrepared(): boolean {
    return this.#applied !== undefined
  }

  /** The caller may change its headers while the request waits. */
  copyHeaders(): void {
    if (this.#isOwned) return
    this.#options = { ...this.#options, headers: copied(this.#options.headers) }
  }

  /** The options that the next attempt dispatches. */
  prepare(credential: AppliedHeaders): DispatchOptions {
    // We do not spread: Node 20 takes some microseconds to add to an object that was made by spreading another.
    const options = this.#isOwned ? this.#options : Object.assign<object, DispatchOptions>({}, this.#options)
    options.headers = this.#isOwned
      ? putOn(options.headers, credential, this.#applied)
      : withCredential(options.headers, credential, this.#applied)
    if (this.#replay !== undefined) options.body = this.#replay.body()
    // undici's redirect interceptor takes only `Authorization` away when it leaves the origin.
    if (credential.survivesRedirects) options.maxRedirections = 0
    // TLS: the certificate is that of the origin.
    if (options.servername !== undefined) options.servername = undefined
    this.#options = options
    this.#applied = credential
    return options
  }

  /** Why the body cannot be sent again; undefined if it can. */
  refusal(): RefreshError | undefined {
    return this.#replay?.refusal()
  }

  /** Its body is recorded as it is sent. */
  get isRecorded(): boolean {
    return this.#replay?.complete !== undefined
  }

  /** Gives the verdict on the first attempt. Even where the refresh takes no time, what the body has at hand is read on before. */
  async completeBefore<V>(verdict: V): Promise<V> {
    void this.#replay?.complete?.()
    if (this.#replay?.isArriving?.() === true) await new Promise(setImmediate)
    return verdict
  }

  /** Ends the attempts: discards the copy of the body, and the whole body if nothing was sent. */
  end(): void {
    this.#replay?.end?.()
    if (!this.wasPrepared) releaseBody(this.#options.body)
  }

  /** Tells the body that the caller's response is over, or why the call has failed. */
  over(error?: unknown): void {
    this.#replay?.over?.(error)
  }
}

/** Most requests go where the one before went. */
let last = { method: '', path: '', endpoint: '' }

function endpointOf({ method, path }: DispatchOptions): string {
  if (method === last.method && path === last.path) return last.endpoint
  // undici refuses an invalid path.
  const [named = ''] = typeof path === 'string' ? path.split('?', 1) : []
  const endpoint = `${method} ${named}`
  last = { method, path, endpoint }
  return endpoint
}
