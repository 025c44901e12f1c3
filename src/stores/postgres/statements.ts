/** The statements on a table. Each parameter is sent as text; each column comes as text or null, and has a name of its own. */
export interface Statements {
  readonly create: string
  readonly exists: string
  readonly read: string
  readonly take: string
  readonly extend: string
  readonly write: string
  readonly swap: string
  readonly free: string
  readonly list: string
}

const milliseconds = (instant: string): string => `floor(extract(epoch FROM ${instant}) * 1000)::bigint`

/** We avoid `now()`, the time when a transaction began: it may have waited for a row. */
const NOW = milliseconds('clock_timestamp()')
const leaseOf = (ms: string): string => `clock_timestamp() + make_interval(secs => ${ms}::float8 / 1000)`

/** The highest number that JavaScript counts to. */
const LAST = 2 ** 53 - 1

/**
 * True if the column holds a number up to `last`. Another program may have set one that nothing comes after: then nothing is done, because
 * a redeemed token could not be written.
 */
const isNumber = (column: string, last: number): string =>
  `coalesce(CASE WHEN ${column}::text ~ '^(0|[1-9][0-9]{0,15})$' THEN ${column} <= ${last} END, false)`
const areNumbers = (row: string, last = LAST): string =>
  `${isNumber(`${row}.revision`, last)} AND ${isNumber(`${row}.fence`, last)}`

/**
 * True if a lease still runs. A lease longer than `longest` counts as over: another program set its end, or the server's clock was set
 * back.
 */
const isRunning = (row: string, longest = "interval '25 days'"): string =>
  `coalesce(${row}.until > clock_timestamp() AND ${row}.until < clock_timestamp() + ${longest}, false)`
/** Other processes may have a longer lease than the one that asks, but not by that much. */
const longestFor = (ms: string): string => `make_interval(secs => greatest(60, ${ms}::float8 / 100))`

/** The record's revision; 0 if there is no record. */
const revisionOf = (row: string): string =>
  `(CASE WHEN ${row}.record IS NULL THEN 0 ELSE ${row}.revision END)`

/** An instant in epoch ms; NULL if it is none. */
const instantOf = (column: string): string =>
  `(CASE WHEN isfinite(${column}) THEN ${milliseconds(column)} END)::text`

/** True if no store could have written the instant. */
const isOdd = (column: string): string =>
  `coalesce(NOT isfinite(${column}) OR ${column} < timestamptz 'epoch', false)`

/** @param table quoted */
export function statementsOn(table: string): Statements {
  const isThere = `EXISTS (SELECT FROM ${table} WHERE key = $1::text)`
  /** A row that says why nothing was done: it has as many columns as the others. */
  const invalid = (columns: string, last = LAST): string =>
    `SELECT 'invalid', ${columns} FROM ${table} AS account WHERE key = $1::text AND NOT (${areNumbers('account', last)})`
  return {
    // The order of "C" is that of the bytes: it does not change with the machine's locales, which would damage the index.
    create: `CREATE TABLE IF NOT EXISTS ${table} (
  key text COLLATE "C" PRIMARY KEY,
  revision bigint NOT NULL,
  record text,
  written timestamptz,
  fence bigint NOT NULL,
  owner text,
  until timestamptz,
  abandoned boolean NOT NULL
)`,
    exists: `SELECT to_regclass($1::text)::text`,
    read: `SELECT revision::text, record, fence::text FROM ${table} WHERE key = $1::text`,
    // key, owner, lease, known, whether it may be taken over. A row that somebody has just made is in neither part: it is held. So is a
    // record that is known and has gone, unless it may be taken over: the holder of a token that it could not write yet comes first.
    take: `WITH taken AS (
  INSERT INTO ${table} AS account (key, revision, fence, owner, until, abandoned)
  SELECT $1::text, 0, greatest(${NOW}, coalesce($4::text::bigint, 0) + 1), $2::text, ${leaseOf('$3::text')}, false
  WHERE $5::text::boolean OR coalesce($4::text::bigint, 0) = 0 OR ${isThere}
  ON CONFLICT (key) DO UPDATE SET
    fence = CASE WHEN account.owner = $2::text THEN account.fence
                 ELSE greatest(account.fence + 1, account.revision + 1, excluded.fence) END,
    abandoned = CASE WHEN account.owner = $2::text THEN account.abandoned
                     ELSE (account.abandoned OR account.owner IS NOT NULL) AND account.revision < account.fence END,
    owner = $2::text,
    until = excluded.until
  WHERE ${areNumbers('account', LAST - 1)} AND (
    account.owner = $2::text
    OR (account.owner IS NULL OR $5::text::boolean AND NOT ${isRunning('account', longestFor('$3::text'))})
      AND ($4::text IS NULL OR ${revisionOf('account')} <= $4::text::bigint
        AND ($5::text::boolean OR ${revisionOf('account')} = $4::text::bigint)))
  RETURNING fence, abandoned, revision, record
)
SELECT 'lock' AS type, fence::text, abandoned::text, revision::text, record FROM taken
UNION ALL
SELECT CASE WHEN NOT (${areNumbers('account', LAST - 1)}) THEN 'invalid'
    WHEN ${revisionOf('account')} > $4::text::bigint THEN 'newer' ELSE 'held' END,
  CASE WHEN ${isRunning('account', longestFor('$3::text'))} AND owner IS NOT NULL
    THEN greatest(0, ${milliseconds('until - clock_timestamp()')} + 1)::text ELSE '0' END, NULL, NULL, NULL
FROM ${table} AS account WHERE key = $1::text AND NOT EXISTS (SELECT FROM taken)`,
    // key, owner, lease, number. Where there is no row, or one with lower numbers, the server has forgotten the lock.
    extend: `WITH extended AS (
  INSERT INTO ${table} AS account (key, revision, fence, owner, until, abandoned)
  VALUES ($1::text, 0, $4::text::bigint, $2::text, ${leaseOf('$3::text')}, false)
  ON CONFLICT (key) DO UPDATE SET
    fence = greatest(account.fence, excluded.fence), owner = excluded.owner, until = excluded.until
  WHERE ${areNumbers('account')} AND (
    account.owner = $2::text OR account.fence < excluded.fence AND account.revision < excluded.fence)
  RETURNING key
)
SELECT 'extended' AS type, key FROM extended UNION ALL ${invalid('key')}`,
    // key, owner, number, record, channel, topic
    write: `WITH before AS (
  SELECT ${revisionOf('account')} AS revision FROM ${table} AS account WHERE key = $1::text
), inforce AS (
  INSERT INTO ${table} AS account (key, revision, record, written, fence, abandoned)
  VALUES ($1::text, $3::text::bigint, $4::text, clock_timestamp(), $3::text::bigint, false)
  ON CONFLICT (key) DO UPDATE SET
    revision = greatest(account.revision, excluded.revision),
    record = CASE WHEN account.revision < excluded.revision THEN excluded.record ELSE account.record END,
    written = CASE WHEN account.revision < excluded.revision THEN excluded.written ELSE account.written END,
    fence = greatest(account.fence, excluded.fence),
    owner = nullif(account.owner, $2::text),
    until = CASE WHEN account.owner = $2::text THEN NULL ELSE account.until END,
    abandoned = account.abandoned AND excluded.revision < account.fence
  WHERE ${areNumbers('account')}
  RETURNING revision, record
)
SELECT 'written' AS type, revision::text, record, (SELECT revision::text FROM before) AS before,
  pg_notify($5::text, $6::text)::text AS notified FROM inforce
UNION ALL ${invalid('NULL, NULL, NULL, NULL')}`,
    // key, seen, record, channel, topic. The lock stays with its holder, whose own write comes too late then.
    swap: `WITH clock AS (SELECT ${NOW} AS at), swapped AS (
  INSERT INTO ${table} AS account (key, revision, record, written, fence, abandoned)
  SELECT $1::text, at, $3::text, clock_timestamp(), at, false FROM clock
  WHERE $2::text = '0' OR ${isThere}
  ON CONFLICT (key) DO UPDATE SET
    revision = greatest(account.fence + 1, account.revision + 1, excluded.fence),
    record = excluded.record,
    written = excluded.written,
    fence = greatest(account.fence + 1, account.revision + 1, excluded.fence),
    abandoned = false
  WHERE ${areNumbers('account', LAST - 1)} AND ${revisionOf('account')} = $2::text::bigint
  RETURNING revision
)
SELECT 'swapped' AS type, revision::text, pg_notify($4::text, $5::text)::text AS notified FROM swapped
UNION ALL ${invalid('NULL, NULL', LAST - 1)}`,
    // key, owner, whether it is abandoned, number, channel, topic. A server that has forgotten the lock notes its number.
    free: `WITH freed AS (
  INSERT INTO ${table} AS account (key, revision, fence, abandoned)
  SELECT $1::text, 0, $4::text::bigint, $3::text::boolean WHERE $4::text <> '0' OR ${isThere}
  ON CONFLICT (key) DO UPDATE SET
    fence = greatest(account.fence, excluded.fence), owner = NULL, until = NULL,
    abandoned = account.abandoned OR excluded.abandoned
  WHERE account.owner = $2::text OR account.fence < excluded.fence AND account.revision < excluded.fence
  RETURNING key
)
SELECT pg_notify($5::text, $6::text)::text FROM freed`,
    list: `SELECT key, revision::text, record, ${instantOf('written')} AS written, ${instantOf('until')} AS until,
  (NOT ${isRunning('account')})::text AS gone,
  ((abandoned OR owner IS NOT NULL AND NOT ${isRunning('account')}) AND revision < fence)::text AS abandoned,
  (${isOdd('written')} OR ${isOdd('until')})::text AS odd, fence::text
FROM ${table} AS account ORDER BY key`,
  }
}
