/** Words with digits that are no secrets: error codes of servers (Entra ID's, Okta's, IBM's), and names of standards. */
const KNOWN_CODE =
  /^[^\w]?(?:AADSTS\d{4,8}|E\d{7}|BXN[A-Z]{2,3}\d{4}E|OAuth\s?2(?:\.\d)?|UTF-?8|base64(?:url)?|(?:SHA|RS|ES|PS|HS)-?\d{3}|HTTP\/\d(?:\.\d)?|TLSv?\d\.\d)[^\w]{0,2}$/i

/** A value behind such a word counts as a secret, whatever it looks like. */
const LABEL =
  '(?:pass(?:word|wd|phrase)?|pwd|secret|token|api[_-]?key|private[_-]?key|access[_-]?key|authorization|assertion|cookie|credentials?|signature|code[_-]verifier|device[_-]code)'
const LABELLED: readonly RegExp[] = [
  // name=value, and "name":"value"
  new RegExp(
    `([\\w-]{0,32}${LABEL}["']?\\s{0,2}=\\s{0,2}|["'][\\w-]{0,32}${LABEL}["']\\s{0,2}:\\s{0,2})("[^"]*"?|'[^']*'?|[^\\s"',;&)}\\]]+)`,
    'giu',
  ),
  // name: value, if no sentence follows; name 'value'
  new RegExp(`(\\b[\\w-]{0,32}${LABEL}:\\s{1,2})(\\S+?)(?=$|[\\s]*$|[,;)}\\]\n])`, 'giu'),
  new RegExp(`(\\b[\\w-]{0,32}${LABEL}:?\\s{1,2})("[^"\\s]+"|'[^'\\s]+')`, 'giu'),
  /(\b(?:Bearer|Basic|DPoP)\s{1,2})(?!token\b|error\b|realm\b|auth)([^\s"',;]{3,})/giu,
  /(\bCookie:\s{0,2})(.*)/giu,
]
/** Messages of the platform's JSON parsers, which quote the text that they could not read. */
const QUOTING =
  /\b(?:Unexpected (?:token|end|number|string|identifier|non-whitespace|character)|Expected (?:property|double|',')|Bad (?:control|escaped)|Unterminated|No number after|Exponent part).*?(?:JSON|$).*/giu
/**
 * Characters: a secret of such a length is searched for letter by letter, because it may come back cut into pieces, which are too short to
 * be recognized by their form.
 */
const [SHORTEST_SPREAD, LONGEST_SPREAD] = [6, 64]
/** The characters that may cut a secret apart, and how many of them may stand between two letters of the secret, its own blanks included. */
const [BLANK, MOST_BETWEEN] = [/[\s\p{C}]/u, 7]

/**
 * A foreign text made safe for a message: one line of at most 256 characters, without control characters, without the secrets that were
 * sent, and without words that may be secrets: labelled values, long words, shorter words with digits, and addresses.
 *
 * @param secrets texts that the message must not contain
 */
export function harmless(said: string, secrets: readonly string[]): string {
  let text = said.slice(0, 1024)
  for (const secret of secrets) if (secret.length > 2) text = without(text, secret)
  text = text.replaceAll(QUOTING, 'text that is no JSON (left out)')
  for (const form of LABELLED) text = text.replaceAll(form, '$1…')
  return text
    .replaceAll(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\s]+/gu, ' ')
    .replaceAll(/\S+/g, (word) => (isSuspect(word) ? '…' : word))
    .slice(0, 256)
    .trim()
}

/** True if a text that would be shown unchanged, such as a code, contains a secret. A secret of less than 6 characters must be all of it. */
export function holdsSecret(text: string, secrets: readonly string[]): boolean {
  const lower = text.toLowerCase()
  return secrets.some((secret) => {
    const sought = secret.toLowerCase()
    return sought.length < SHORTEST_SPREAD ? lower === sought : lower.includes(sought)
  })
}

/**
 * The text without the secret, in upper or lower case, and also if blanks or line ends cut it apart. A regular expression for that took a
 * second to compile, so a loop searches.
 */
function without(text: string, secret: string): string {
  const whole = text.replaceAll(secret, '…')
  if (secret.length < SHORTEST_SPREAD || secret.length > LONGEST_SPREAD) return whole
  const sought = Array.from(secret, folded).filter((sign) => !BLANK.test(sign))
  const signs = Array.from(whole)
  let shown = ''
  for (let at = 0; at < signs.length;) {
    const end = endOfSpread(signs, at, sought)
    shown += end > at ? '…' : (signs[at] ?? '')
    at = Math.max(end, at + 1)
  }
  return shown
}

/** The index behind the sought text, if that text begins at `start`, perhaps cut apart; else `start` itself. */
function endOfSpread(signs: readonly string[], start: number, sought: readonly string[]): number {
  let at = start
  for (const [index, sign] of sought.entries()) {
    const last = index === 0 ? at : at + MOST_BETWEEN
    while (at < last && BLANK.test(signs[at] ?? '')) at++
    if (folded(signs[at] ?? '') !== sign) return start
    at++
  }
  return at
}

/** Makes upper and lower case equal. Upper case first, because some letters are equal only there. */
function folded(sign: string): string {
  return sign.toUpperCase().toLowerCase()
}

function isSuspect(word: string): boolean {
  if (word.length >= 20 || /.@.|:\/\/|[?&][\w-]+=/.test(word)) return true
  if (!/\d/.test(word) || KNOWN_CODE.test(word)) return false
  return word.length >= 8 || (word.length >= 6 && /[a-z]/i.test(word))
}

/**
 * A driver's error as a cause. A driver's error holds its request, and with it a whole record, in `command.args`, `parameters` or `query`; a
 * server's message quotes values. So this makes a new error, with only the members that name the fault.
 */
export function driverCause(error: unknown): Error {
  return clean(error, messageOf, [])
}

/**
 * A cloud library's error as a cause. Such an error holds the request and its login, and quotes a command's output. So this makes a new error
 * with only the words that cannot be a secret.
 *
 * @param secrets texts that were sent
 */
export function libraryCause(error: unknown, secrets: readonly string[] = []): Error {
  const wordsOf = (each: unknown): string => {
    const message = read(each, 'message')
    if (typeof message !== 'string') return 'Something was thrown that is no error.'
    // A SyntaxError quotes the text that the platform could not read.
    if (read(each, 'name') === 'SyntaxError')
      return 'The text could not be read (the message is left out: it may quote it).'
    return harmless(message, secrets)
  }
  return clean(error, wordsOf, secrets)
}

/** The members that hold an error's cause, and the limits of the search. */
const [CAUSES, DEEPEST, MOST] = [
  ['cause', 'originalError', 'socketError', 'lastNodeError', 'sourceError'] as const,
  4,
  8,
]

/** Characters: a longer message is not a driver's own text. */
const LONGEST = 8_192

/** The members that name a fault. They never hold the query or its values. */
const FACTS: Readonly<Record<string, RegExp>> = {
  code: /^\w{1,40}$/u,
  status: /^\d{3}$/u,
  statusCode: /^\d{3}$/u,
  severity: /^[\p{L} ]{1,20}$/u,
  syscall: /^\w{1,20}$/u,
  errno: /^-?\w{1,20}$/u,
  address: /^(?!.*:\/\/)[\w.:%/-]{1,255}$/u,
  hostname: /^[\w.:%-]{1,255}$/u,
  host: /^[\w.:%-]{1,255}$/u,
  port: /^\d{1,5}$/u,
}

/** Messages of drivers and of the platform. */
const OWN_WORDS: readonly RegExp[] = [
  /^(?:connect|read|write|shutdown|socket|getaddrinfo|queryA+) (?:E[A-Z_]{2,20}|CONNECT_TIMEOUT|CONNECTION_[A-Z]{1,20})(?: (?!\S*:\/\/)[\w.:%/[\]-]{1,255})?(?: - Local \([\w.:]{1,60}\))?$/u,
  /^socket hang up$/u,
  // pg
  /^Connection terminated(?: unexpectedly| due to connection timeout)?$/u,
  /^(?:timeout expired|timeout exceeded when trying to connect|Query read timeout)$/u,
  /^Client (?:has encountered a connection error|was closed) and is not queryable$/u,
  /^Cannot use a pool after calling end on the pool$/u,
  // ioredis
  /^(?:Connection is closed\.|Command timed out|connect ETIMEDOUT)$/u,
  /^Socket timeout\. Expecting data, but didn't receive any in \d+ms\.$/u,
  /^Reached the max retries per request limit \(which is \d+\)\. Refer to "maxRetriesPerRequest" option for details\.$/u,
  /^Stream isn't writeable and enableOfflineQueue options is false$/u,
  /^(?:Failed to refresh slots cache\.|Cluster is ended\.|None of startup nodes is available)$/u,
  /^Too many Cluster redirections\.?(?: Last error: Error: [A-Z]+)?$/u,
  // node-redis
  /^(?:The client is (?:closed|offline)|Socket closed unexpectedly|Connection timeout|Disconnects client|The command was aborted)$/u,
  /^Socket timeout timeout\. Expecting data, but didn't receive any in \d+ms\.$/u,
  /^All the root nodes are unavailable$/u,
  // our own
  /^The server did not respond within \d+ ms\.$/u,
  /^No connection of the pool became free within \d+ ms\.$/u,
]

/** PostgreSQL's error codes about connections, roles and tables, whose messages hold no values. */
const NO_VALUES = /^(?:08|25|28|3D|3F|53|55|57)[0-9A-Z]{3}$|^42(?:P01|501|703|P10)$/u

function clean(
  error: unknown,
  wordsOf: (error: unknown) => string,
  secrets: readonly string[],
  depth = 0,
): Error {
  const message = wordsOf(error)
  const inner = depth < DEEPEST ? innerOf(error) : []
  const causes = inner.map((each) => clean(each, wordsOf, secrets, depth + 1))
  const isMany = Array.isArray(read(error, 'errors'))
  const made = isMany
    ? new AggregateError(causes, message)
    : new Error(message, causes.length > 0 ? { cause: causes[0] } : undefined)
  const name = read(error, 'name')
  const isName = typeof name === 'string' && name.length <= 60 && /^[A-Za-z]{1,60}$/u.test(name)
  if (isName && !holdsSecret(name, secrets)) set(made, 'name', name)
  for (const [fact, form] of Object.entries(FACTS)) {
    const value = read(error, fact)
    const isFact = isShort(value) && form.test(String(value)) && !holdsSecret(String(value), secrets)
    if (isFact) set(made, fact, value)
  }
  return made
}

function innerOf(error: unknown): unknown[] {
  const errors = read(error, 'errors')
  if (Array.isArray(errors)) return errors.slice(0, MOST)
  return CAUSES.map((name) => read(error, name)).filter((cause) => cause instanceof Error && cause !== error)
}

function messageOf(error: unknown): string {
  const message = read(error, 'message')
  const code = read(error, 'code')
  if (typeof message !== 'string') return 'Something was thrown that is no error.'
  if (message.length > LONGEST) return 'The message is left out: it may hold a record.'
  if (message === '' || OWN_WORDS.some((form) => form.test(message))) return message
  if (typeof code === 'string' && NO_VALUES.test(code)) return message.slice(0, 300)
  // An error of a Redis server begins with a code word. The rest of the message may quote the command.
  const word = /^[A-Z]{2,20}(?= )/u.exec(message)?.[0]
  if (word !== undefined) return `${word} (the rest of the message is left out: it may hold a record)`
  return 'The message is left out: it may hold a record.'
}

/** Reads a member of anything that was thrown; undefined if its getter throws. */
function read(error: unknown, name: string): unknown {
  try {
    return Reflect.get(Object(error), name) as unknown
  } catch {
    return undefined
  }
}

function isShort(value: unknown): value is string | number {
  return typeof value === 'number' || (typeof value === 'string' && value.length <= 255)
}

function set(error: Error, name: string, value: string | number): void {
  Object.defineProperty(error, name, {
    value,
    enumerable: name !== 'name',
    configurable: true,
    writable: true,
  })
}
