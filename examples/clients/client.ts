import type { HttpSurfaceOptions, Refresher } from 'llm-refresh'

/** The result of every call of a model, unless a row says otherwise. */
export const SAID = 'Hello from the model.'

/** The prompt to which the model responds with an object: `{"city":"Paris"}`. */
export const CITY_PROMPT = 'Which city?'

/** The placeholder for clients that require a key. It is never sent. */
export const UNUSED = 'unused'

/** The servers that a client calls, and the parts of llm-refresh that it uses. */
export interface Place {
  /** A fetch of llm-refresh. */
  readonly fetch: typeof fetch
  /** The token, for clients without a `fetch` option. */
  readonly token: Refresher<string>
  readonly options: HttpSurfaceOptions<string>
  /** The URL of the LLM server, without a path. */
  readonly url: string
  readonly mcpUrl: string
  /** Makes a fetch of llm-refresh with another `apply`, for a part of the client that sends a key in its own header. */
  fetchWith(apply: HttpSurfaceOptions<string>['apply']): typeof fetch
}

/** A client that has been built. */
export interface Session {
  /** The calls, by their names in the row. Each returns the model's text. */
  readonly calls: Readonly<Record<string, () => Promise<string>>>
  /** The streams, by their names in the row. Each yields the model's text in pieces. */
  readonly streams: Readonly<Record<string, () => AsyncIterable<string>>>
  /** Whether an error is the client's own error for a rejected credential. */
  isRefusal(error: unknown): boolean
  /** Whether an error is the client's own error for a stream that reports an error. */
  isBroken(error: unknown): boolean
  close?(): Promise<void>
}

/** A row of the table in docs/clients.md. */
export interface Row {
  readonly name: string
  /** The package's name in package.json; undefined for a part of the platform. */
  readonly package: string | undefined
  /** The exact packages that a trial installs for a client that the tests do not run. */
  readonly installed?: readonly string[]
  /** The change that a user makes, as code. `fetch` is the one of llm-refresh. */
  readonly option: string
  /** The `apply` option, for a client that needs more than `Authorization: Bearer`. */
  readonly apply?: HttpSurfaceOptions<string>['apply']
  /** The calls and the streams of the client that this row is about. */
  readonly calls: readonly string[]
  readonly streams: readonly string[]
}

/** A tested client. Its package is loaded in `build`. */
export interface Client extends Omit<Row, 'calls'> {
  /** The rows of a client that consists of several packages. Each package needs its own change. */
  readonly parts?: readonly Row[]
  /** The name of each call → the text that it returns. */
  readonly calls: Readonly<Record<string, string>>
  /** How many requests a call makes if each is rejected. Default: 1. */
  readonly insists?: Readonly<Record<string, number>>
  /** The names of the streams. The pieces of each stream make {@link SAID}. */
  readonly streams: readonly string[]
  readonly server: 'llm' | 'mcp'
  /** The part of llm-refresh that the client uses. */
  readonly takes: 'fetch' | 'dispatcher' | 'model'
  build(place: Place): Promise<Session>
}
