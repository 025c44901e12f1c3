import type { HttpSurfaceOptions, Refresher } from 'llm-refresh'

/** What every call of a model comes down to, unless a row says otherwise. */
export const SAID = 'Hello from the model.'

/** What is asked where an object is wanted: `{"city":"Paris"}`. */
export const CITY_PROMPT = 'Which city?'

/** Stands where a client wants a key of its own. It never goes out. */
export const UNUSED = 'unused'

/** Where a client finds what it talks to. */
export interface Place {
  /** That of llm-refresh. */
  readonly fetch: typeof fetch
  /** For those that take no fetch. */
  readonly token: Refresher<string>
  readonly options: HttpSurfaceOptions<string>
  /** Of the LLM server, without a path. */
  readonly url: string
  readonly mcpUrl: string
  /** A fetch of llm-refresh that puts the token elsewhere: for a part of the client that sends a key of its own. */
  fetchWith(apply: HttpSurfaceOptions<string>['apply']): typeof fetch
}

/** A client that has been built. */
export interface Session {
  /** By the names that the row gives; each gives what was said. */
  readonly calls: Readonly<Record<string, () => Promise<string>>>
  /** By the names that the row gives; each gives what was said, piece by piece. */
  readonly streams: Readonly<Record<string, () => AsyncIterable<string>>>
  /** Is this the client's own error for a credential that was refused? */
  isRefusal(error: unknown): boolean
  /** Is this the client's own error for a stream that tells of an error? */
  isBroken(error: unknown): boolean
  close?(): Promise<void>
}

/** A row of the table on the page. */
export interface Row {
  readonly name: string
  /** The package, by its name in package.json; undefined for a part of the platform. */
  readonly package: string | undefined
  /** Exact packages that a trial installs for it, where the tests do not run it. */
  readonly installed?: readonly string[]
  /** What is changed, in code: `fetch` is that of llm-refresh. */
  readonly option: string
  /** How the token is put on its requests, where `Authorization: Bearer` alone does not do. */
  readonly apply?: HttpSurfaceOptions<string>['apply']
  /** The calls and the streams of the client that this row is about. */
  readonly calls: readonly string[]
  readonly streams: readonly string[]
}

/** A client that is tested. The client itself is loaded when it is built. */
export interface Client extends Omit<Row, 'calls'> {
  /** Its rows, where it comes as several packages: each needs a change of its own. */
  readonly parts?: readonly Row[]
  /** What is called, and what is said to that. */
  readonly calls: Readonly<Record<string, string>>
  /** How many requests a call makes although the first is turned away, where it is not one. */
  readonly insists?: Readonly<Record<string, number>>
  /** What is streamed; each time the pieces make {@link SAID}. */
  readonly streams: readonly string[]
  readonly server: 'llm' | 'mcp'
  /** What of llm-refresh it is handed. */
  readonly takes: 'fetch' | 'dispatcher' | 'model'
  build(place: Place): Promise<Session>
}
