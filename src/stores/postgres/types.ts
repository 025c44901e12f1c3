/** A pool or client of node-postgres (`pg`), or what has the same `query`. */
export interface PgClient {
  query(text: string, values: (string | null)[]): PromiseLike<{ readonly rows: readonly object[] }>
}

/** What `postgres()` of postgres.js gives. */
export interface PostgresJsClient {
  unsafe(text: string, values: (string | null)[]): PromiseLike<readonly object[]>
  listen(channel: string, onNotify: (payload: string) => void): PromiseLike<unknown>
}

/**
 * A client for PostgreSQL: a `Pool` or a `Client` of `pg`, a driver with the same `query(text, values)`, or what `postgres()` of
 * postgres.js gives.
 */
export type PostgresClient = PgClient | PostgresJsClient

/** A session of node-postgres. */
export interface Session extends PgClient {
  on(event: string, listener: (said: unknown) => void): unknown
  removeListener(event: string, listener: (said: unknown) => void): unknown
}

/** What a row holds, in the order of the statement: how a driver names columns is its user's choice. */
export type Cells = readonly (string | undefined)[]

/** Runs a statement whose columns are all text. */
export type Ask = (statement: string, ...values: (string | null)[]) => Promise<Cells[]>

/** How long something may take. */
export interface AskOptions {
  /** ms: so long a statement may stay without a response, from when it is sent. Then a pool destroys its connection. */
  readonly silence: number
  /** ms: so long a free connection of a pool is waited for. */
  readonly timeout: number
}
