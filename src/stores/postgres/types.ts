/** A pool or client of node-postgres (`pg`), or another driver with the same `query`. */
export interface PgClient {
  query(text: string, values: (string | null)[]): PromiseLike<{ readonly rows: readonly object[] }>
}

/** The client that `postgres()` of postgres.js returns. */
export interface PostgresJsClient {
  unsafe(text: string, values: (string | null)[]): PromiseLike<readonly object[]>
  listen(channel: string, onNotify: (payload: string) => void): PromiseLike<unknown>
}

/**
 * A client for PostgreSQL: a `Pool` or a `Client` of `pg`, a driver with the same `query(text, values)`, or the client that `postgres()` of
 * postgres.js returns.
 */
export type PostgresClient = PgClient | PostgresJsClient

/** A session of node-postgres. */
export interface Session extends PgClient {
  on(event: string, listener: (said: unknown) => void): unknown
  removeListener(event: string, listener: (said: unknown) => void): unknown
}

/** The cells of a row in the order of the statement's columns, because users can change how a driver names columns. */
export type Cells = readonly (string | undefined)[]

/** Runs a statement whose columns are all text. */
export type Ask = (statement: string, ...values: (string | null)[]) => Promise<Cells[]>

/** The time limits of a statement. */
export interface AskOptions {
  /** ms: how long a statement may stay without a response after it is sent. Then a pool destroys its connection. */
  readonly silence: number
  /** ms: how long to wait for a free connection of a pool. */
  readonly timeout: number
}
