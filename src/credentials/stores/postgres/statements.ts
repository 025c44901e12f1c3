/** The statements on a table. Each parameter is sent as text; each column comes as text or null, and has a name of its own. */
export interface Statements {
  readonly create: string
  readonly exists: string
  readonly read: string
  readonly take: string
  readonly extend: string
  readonly write: string
  readonly free: string
  readonly list: string
}

const milliseconds = (instant: string): string => `floor(extract(epoch FROM ${instant}) * 1000)::bigint`

/** Not `now()`, which is when a transaction began: it may have waited for a row. */
const NOW = milliseconds('clock_timestamp()')
const leaseOf = (ms: string): string => `clock_timestamp() + make_interval(secs => ${ms}::float8 / 1000)`

/** @param table quoted */
export function statementsOn(table: string): Statements {
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
    read: `SELECT revision::text, record FROM ${table} WHERE key = $1::text AND record IS NOT NULL`,
    // key, owner, lease, known, whether it may be taken over. A row that somebody has just made is in neither part: it is held.
    take: `WITH taken AS (
  INSERT INTO ${table} AS account (key, revision, fence, owner, until, abandoned)
  VALUES ($1::text, 0, ${NOW}, $2::text, ${leaseOf('$3::text')}, false)
  ON CONFLICT (key) DO UPDATE SET
    fence = CASE WHEN account.owner = $2::text THEN account.fence
                 ELSE greatest(account.fence + 1, account.revision + 1, ${NOW}) END,
    abandoned = account.abandoned OR coalesce(account.owner <> $2::text, false),
    owner = $2::text,
    until = ${leaseOf('$3::text')}
  WHERE account.owner = $2::text
    OR (account.owner IS NULL OR $5::text::boolean AND account.until <= clock_timestamp())
      AND ($4::text IS NULL OR account.revision <= $4::text::bigint)
  RETURNING fence, abandoned, revision, record
)
SELECT 'lock' AS type, fence::text, abandoned::text, revision::text, record FROM taken
UNION ALL
SELECT CASE WHEN revision > $4::text::bigint THEN 'newer' ELSE 'held' END,
  greatest(0, ${milliseconds('until - clock_timestamp()')} + 1)::text, NULL, NULL, NULL
FROM ${table} WHERE key = $1::text AND NOT EXISTS (SELECT FROM taken)`,
    // key, owner, lease
    extend: `UPDATE ${table} SET until = ${leaseOf('$3::text')}
WHERE key = $1::text AND owner = $2::text RETURNING 'extended'`,
    // key, owner, number, record, channel, topic
    write: `WITH inforce AS (
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
  RETURNING revision, record
)
SELECT revision::text, record, pg_notify($5::text, $6::text)::text FROM inforce`,
    // key, owner, channel, topic
    free: `WITH freed AS (
  UPDATE ${table} SET owner = NULL, until = NULL WHERE key = $1::text AND owner = $2::text RETURNING key
)
SELECT pg_notify($3::text, $4::text)::text FROM freed`,
    list: `SELECT key, revision::text, record, ${milliseconds('written')}::text AS written,
  ${milliseconds('until')}::text AS until, (until <= clock_timestamp())::text AS gone,
  (abandoned OR coalesce(until <= clock_timestamp(), false))::text AS abandoned
FROM ${table} ORDER BY key`,
  }
}
