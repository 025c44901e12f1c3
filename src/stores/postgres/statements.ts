/** The statements on a table. Parameters and columns are text or null, and no two columns of a statement have the same name. */
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

/** Not `now()`, which is the time when the transaction began: the statement may have waited for a row since. */
const NOW = milliseconds('clock_timestamp()')
const leaseOf = (ms: string): string => `clock_timestamp() + make_interval(secs => ${ms}::float8 / 1000)`

/** The highest number that JavaScript counts to. */
const LAST = 2 ** 53 - 1

/**
 * True if the column holds a number up to `last`. If another program has set a number that no number can follow, the statement changes
 * nothing, because a redeemed token could not be written.
 */
const isNumber = (column: string, last: number): string =>
  `coalesce(CASE WHEN ${column}::text ~ '^(0|[1-9][0-9]{0,15})$' THEN ${column} <= ${last} END, false)`
const areNumbers = (row: string, last = LAST): string =>
  `${isNumber(`${row}.revision`, last)} AND ${isNumber(`${row}.fence`, last)}`

/**
 * True if a lease still runs. A lease that ends later than `longest` from now counts as over, because another program set its end, or the
 * server's clock was set back.
 */
const isRunning = (row: string, longest = "interval '25 days'"): string =>
  `coalesce(${row}.until > clock_timestamp() AND ${row}.until < clock_timestamp() + ${longest}, false)`
/** The longest lease that counts: another process may use a longer lease than this one, up to 10 times as long or a minute. */
const longestFor = (ms: string): string => `make_interval(secs => greatest(60, ${ms}::float8 / 100))`

/** The record's revision; 0 if there is no record. */
const revisionOf = (row: string): string =>
  `(CASE WHEN ${row}.record IS NULL THEN 0 ELSE ${row}.revision END)`

/** An instant in epoch ms; NULL if it is infinite. */
const instantOf = (column: string): string =>
  `(CASE WHEN isfinite(${column}) THEN ${milliseconds(column)} END)::text`

/** True if no store could have written the instant. */
const isOdd = (column: string): string =>
  `coalesce(NOT isfinite(${column}) OR ${column} < timestamptz 'epoch', false)`

/** @param table quoted */
export function statementsOn(table: string): Statements {
  const isThere = `EXISTS (SELECT FROM ${table} WHERE key = $1::text)`
  /** A row that says that the statement changed nothing because of an invalid number. It has as many columns as the statement's own rows. */
  const invalid = (columns: string, last = LAST): string =>
    `SELECT 'invalid', ${columns} FROM ${table} AS account WHERE key = $1::text AND NOT (${areNumbers('account', last)})`
  return {
    // COLLATE "C" orders by bytes. The order of a locale changes with the machine's libraries, which would damage the index.
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
    // Parameters: key, owner, lease, known, may take over. If another process has just made the row, neither part returns it, which means
    // held. If the caller knows a record and it has vanished, the lock is held too, unless the caller may take over: the holder of an unsaved
    // token writes first.
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
    // Parameters: key, owner, lease, number. With no row, or only lower numbers, the server has forgotten the lock, and gives it again.
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
    // Parameters: key, owner, number, record, channel, topic.
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
    // Parameters: key, seen, record, channel, topic. The lock stays with its holder, but the holder's own write then has a lower number.
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
    // Parameters: key, owner, abandoned, number, channel, topic. If the server has forgotten the lock, it notes the lock's number, so that a
    // renewal still on its way does not acquire the lock anew.
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
