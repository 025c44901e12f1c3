/** Decides from sentences whether this request's credential was rejected. Used only if no status, name or code decides. */

import { isName, statusOfName } from './error-names.ts'

/** Characters that are read of one sentence: behind them there may be a page, a stack, or a person's text. */
const MOST_HEARD = 2_048
const MOST_SENTENCES = 16
/** Characters in which a name is looked for, because names stand at the beginning: `litellm.AuthenticationError: …`. */
const MOST_NAMED = 200

// Functions make the long expressions at their first use, so that a bundler leaves them out of a program that imports only a cell. No
// expression has a lookbehind: Safari before 16.4 and some engines of React Native cannot parse a file that holds one.

/** Words of a sentence about something else: a tool, a proxy, a connection, a limit, a text that was sent, another token. */
const elsewhere = (): RegExp =>
  anyOf([
    // what a model reads and writes, and how much of it
    String.raw`\b(?:context (?:window|length|size|limit)|tokeni[sz]er|vocabulary|logit[ _]bias|grammar|template|content[ -]filter\w*|blocked by)\b|<\|\w+\|>`,
    String.raw`\b(?:tools?(?:_\w+)?|plugins?|webhooks?|extension|prompt|filtered|moderation|content polic(?:y|ies)|tunnel\w*|407)\b`,
    String.raw`\bprox(?:y\w*|ies)\b(?! server token)|\bMCP error -32|^fatal:|\b(?:SASL|SMTP|IMAP|LDAP|SSH|Kerberos|NOAUTH|TLS|SSL|mongo\w*)\b|\b(?:unknown|unexpected) (?:field|parameter|property|key)\b|\bexpected \d+ (?!ok\b|status|created|response)[a-z]+,? (?:but )?got\b|\b(?:max\w*|min\w*|at most|at least|limit)\b.{0,40}\b401\b`,
    String.raw`\b(?:E(?:CONN|PIPE|NOTFOUND|AI_AGAIN|HOST|NET|ADDR|ACCES|PROTO)[A-Z]*|getaddrinfo|handshake|certificate)\b`,
    String.raw`^fetch failed|socket hang up|time[ds]?[ -]?out\b|rate.?limit|too many|overload|\bunavailable|\bupstream\b`,
    String.raw`^(?:AI_)?(?:type ?validation|json ?pars|invalid json|failed to parse|unexpected (?:token|end)|syntaxerror)`,
    String.raw`\binvalid_grant\b|refresh[ _]token (?:is|has|was|expired|not)|(?:invalid|expired|revoked|bad) refresh[ _]token|\b(?:fail\w*|unable|not)(?: to)? (?:be )?refresh(?:ed|ing)?\b|\bAADSTS\d|\b(?:unauthorized|invalid)_client\b`,
    String.raw`\b(?:download\w*|exit (?:code|status)|(?:call\w*|in) (?:the )?function|function call|npm|git|docker|connectors?|MCP server|web ?search|(?:fetch|load|retriev)\w* (?:\w+ ){0,3}(?:image|file|document|attachment|(?:web ?)?page|website|URL content)s?|image url)\b`,
    String.raw`\b(?:database|redis|postgres\w*|mysql|password|username)\b.{0,60}\bauthentication\b`,
  ])
/** LiteLLM calls its gateway a proxy. It is the server that judges the credential, so the word does not count. */
const GATEWAY = /(litellm )prox(?:y|ies)\b/gi

/** A sentence that names another service and reports its verdict: `Jira answered 401`. */
const REPORTED =
  /\b([\w.-]{1,30})(?:'s)? (?:API )?(?:says?|said|answer(?:s|ed)|repl(?:ies|ied)|return(?:s|ed)|respond(?:s|ed)|report(?:s|ed))\b/i
/** Names that mean the called service itself. */
const OURS =
  /^(?:the|this|it|we|i|which|that|has|and|api|url|server|endpoint|provider|gateway|vendor|model|client|request|call|llm|http|error|\w*ai|anthropic|claude|google|gemini|vertex|azure|aws|bedrock|mistral|cohere|groq|openrouter|litellm|databricks)$/i

/** In place of what a sentence quotes. */
const QUOTED = '…'

/** The words of a rejection. */
const rejected = (): RegExp => {
  const START = String.raw`(?:^|[\n.,:;!>(|[=-]\s*|^\d{1,2} )`
  const STOP = String.raw`(?=\s*(?:$|[\n.,:;!?)\]<(|"-]|${QUOTED}))`
  const SECRET = String.raw`(?:(?:api|access|auth(?:entication|ori[sz]ation)?|bearer|oauth ?2?|id|jwt|security|session|virtual|subscription)[ _-]?)+(?:tokens?|keys?|credentials?|headers?)|credentials?|jwt`
  const SAID_OF_IT = String.raw`(?:: \S+|,? (?:(?:that )?(?:you|was|were) )?(?:provided|supplied|given|used|sent|passed|included)(?: (?:in|with|by|for) (?:the |this |your )?\w+)?)?`
  // A tokenizer, a template and a grammar have tokens too. Their sentences go on with a quotation or a number.
  const BARE = String.raw`(?=\s*(?:$|[\n.,;!?)\]|"-]|: (?:(?:the |your |this )?(?:token|jwt|signature|session|bearer|access|api|auth\w*)\b|expired|revoked|malformed|unauth|not (?:valid|active)|missing|please)))`
  const BAD = String.raw`(?:expired|invalid(?:ated)?|revoked|incorrect|malformed|inactive|disabled|deactivated|rejected|(?:not|no longer)(?: a)? (?:valid|active|found|recogni[sz]ed)|missing(?: or|, (?:or )?)? ?invalid|unknown)`

  return anyOf([
    // 401, called a status
    String.raw`(?:\bHTTP(?:/[\d.]+|-)?|\b(?:HTTP )?(?:status|(?:error|response)[ _]?code)(?:[ _]?(?:code|line))?)(?: (?:is|was|of|error|status|response|code))*\s*[:=]?\s*[("'[]?401(?![\w-]|[.,:/]\d|\s*(?:m?s|sec\w*|min\w*|tokens?|items?|bytes?|characters|of \d+)\b)`,
    String.raw`\b(?:error|response|code|(?:got|returned|answered|received|replied|responded|failed|rejected)(?: with)?)(?: (?:an?|is|was|of))*\s*[:=]?\s*[("'[]?401(?=\s*(?:$|[.,:;!)\]}"'<({[|–—-](?!\d)|(?:client error|unauth|auth|oauth|bearer|jwt|invalid|incorrect|expired|missing|access|denied|error|status|response|from|for|on|at|when|while|because|due|after|and|but)\b))`,
    String.raw`(?:^|[^\w.,:#/-])401(?: client error)?[ :,–-]+(?:unauth|authori[sz]ation required|authentication|not authenticated)|(?:^|\s)[([]401(?:[)\]]| [a-z])`,
    // unauthorized, unauthenticated
    String.raw`(?:${START}|\b(?:is|are|was|user|request|error|response|status|401) )(?:unauthori[sz]ed|unauthenticated|not authenticated)(?=\s*(?:$|[\n.,:;!?)\]<("|–-]|(?:access|requests?|user)${STOP}|error|exception|401|due|because|token|invalid|for url|desc\b))`,
    // authentication failed
    String.raw`(?:${START}|\b(?:the|your|api|token|key|bearer|oauth|user|request|error|http) )authentication[ _](?:has |is |was |credentials? (?:were |was |are )?)?(?:fail(?:s|ed|ure)|error|required|unsuccessful|rejected|denied|invalid|expired|not provided)\b`,
    String.raw`\b(?:invalid|missing|bad|bearer)(?: required)? authentication(?: credentials?| token| header)?(?:${STOP}| in header|\s*$)|\b(?:failed|unable|could not|cannot)(?: to)? authenticate(?:${STOP}| (?:with )?(?:the |this |your )?(?:you\b|request|user|caller|provided|given|supplied|api|token))|could not validate credentials|invalid proxy server token|\bno auth(?:entication|orization)? (?:credentials|header|token)|\b(?:api[ _-]?key|(?:access|authentication|authorization|bearer) (?:token|header)) (?:is )?(?:required|missing|not found)(?:${STOP}|\s+in\b)|\b(?:missing|no) (?:api[ _-]?key|(?:access|authentication|bearer) token|authorization header)(?:${STOP}| (?:provided|passed|found|in header))`,
    // invalid API key
    String.raw`\b(?:invalid(?:ated)?|incorrect|expired|revoked|bad|wrong|unrecogni[sz]ed|inactive|malformed|illegal)(?:,? or \w+)?[ _](?:(?:[\w-]{1,20} )?x?-?api[ _-]?key|${SECRET})(?:${STOP}| (?:was |you )?(?:provided|passed|supplied|given|specified|used|received|in|for|or|and|please)\b)`,
    // the token has expired
    String.raw`(?:${START}|\b(?:the|your|this|provided|supplied|given|my|an?|user'?s?) )(?:(?:provided|supplied|given|incoming|current|ide|keypair|[\w-]{0,20}ai|anthropic|google) )?(?:${SECRET}|token)${SAID_OF_IT}(?: (?:has|have|is|was|are|seems|appears))?(?: been| to be| already| now| either)* ${BAD}(?:${STOP}| (?:or|and|because|due|please|at|on|since|for this request|in the past|\d)\b)`,
    String.raw`\bsession (?:has |is )?(?:expired|ended)\W+(?:please )?(?:log|sign|re-?auth)|\bexpired token${STOP}|\binvalid token${BARE}`,
    // Azure's way to say that it has expired
    String.raw`\btoken expir(?:y|ation)\b.{0,60} (?:earlier than|before|in the past)\b|${START}(?:${SECRET}) validation fail`,
  ])
}
/** The text that clients make of a status and a reason: `401 Incorrect API key provided`. `401 items` is something else. */
const BEGINS_WITH_401 =
  /^(?:[\w.$]*(?:Error|Exception): )?401(?=\s*$|[.:,;](?!\d)|\s+(?:[-–({[<"'A-Z]|status code))/

/** The sentences to judge; undefined if one speaks of something other than this request's credential. */
export function hear(sentences: readonly string[]): readonly string[] | undefined {
  const heard = sentences.slice(0, MOST_SENTENCES).map(plain)
  return heard.some(speaksOfOthers) ? undefined : heard
}

/** True if these sentences say plainly that the credential of this request was rejected. */
export function saysRejected(heard: readonly string[]): boolean {
  for (const sentence of heard) {
    // A client's own status outranks what it found in the body.
    if (BEGINS_WITH_401.test(sentence)) return true
    const named = nameIn(sentence)
    if (named !== undefined) return named === 401
    if (once(rejected).test(sentence)) return true
  }
  return false
}

/** True if a sentence is about something other than this request's credential, or reports another service's verdict. */
export function speaksOfOthers(sentence: string): boolean {
  if (once(elsewhere).test(sentence.replaceAll(GATEWAY, '$1'))) return true
  const subject = REPORTED.exec(sentence)?.[1]
  return subject !== undefined && !OURS.test(subject)
}

/** A status in quotation marks that only emphasize it: `Client error '401 Unauthorized' for url`, `StatusCode="Unauthenticated"`. */
const EMPHASIS =
  /(\b(?:error|status|response|resulted in an?|returned|HTTP) |\b(?:status|code)\w{0,5} ?[=:] ?)(['"`])([1-5]\d\d [A-Z][a-z]+|[A-Za-z]\w+)\2/gi

/** A parameter of a challenge (RFC 6750 section 3). */
const PARAMETER = /\b(error(?:_description)?)="([^"]{1,200})"/g

/** The sentence without its quotations: JSON, and texts in quotation marks. */
export function plain(text: string): string {
  const [head = ''] = text.slice(0, MOST_HEARD).split('{', 1)
  return head
    .replaceAll(EMPHASIS, '$1$3')
    .replaceAll(PARAMETER, '$1=$2')
    .replaceAll(/(^|\W)(?:(['"`])[^'"`\n]*\2)+(?!\w)|[“«][^”»\n]*[”»]/g, `$1 ${QUOTED} `)
    .replaceAll(/\s+/g, (space) => (space.includes('\n') ? '\n' : ' '))
    .trim()
}

/** A field that holds a name: `code = PermissionDenied desc = no`. */
const FIELD = /\b(?:status|code)\w{0,5} ?[=:] ?([a-z]\w+)/i

/** The status of the first error name in a sentence. The name's form, or the field that holds it, distinguishes it from a word. */
function nameIn(sentence: string): number | undefined {
  const named = sentence.slice(0, MOST_NAMED)
  let general: number | undefined
  for (const [word] of named.matchAll(/[A-Za-z][\w.#]*/g)) {
    if (!/_|[a-z](?:Error|Exception)$/.test(word) || !isName(word)) continue
    const status = statusOfName(word)
    // OpenAI gives this type to nearly all its errors, and adds a code, so a later name outranks it.
    if (word === 'invalid_request_error') general = status
    else if (status !== undefined) return status
  }
  const [, held = ''] = FIELD.exec(named) ?? []
  return statusOfName(held) ?? general
}

const made = new Map<() => RegExp, RegExp>()

function once(make: () => RegExp): RegExp {
  const known = made.get(make) ?? make()
  made.set(make, known)
  return known
}

function anyOf(sources: readonly string[]): RegExp {
  return new RegExp(sources.join('|'), 'i')
}
