/** Vendors' names for errors, and the HTTP status that each stands for: one table for every surface. */

/** Characters: a longer text is no name. */
const MOST_NAME = 100

let rejection: RegExp | undefined

/** Names of a rejected credential in the form that `normalized()` returns: `tokenexpired`, `invalidapikey`, `unauthenticated`. */
function readRejection(): RegExp {
  const kind =
    '(?:api|access|auth(?:entication|ori[sz]ation)?|bearer|oauth2?|id|jwt|security|session|user|service)'
  const secret = `(?:${kind}*(?:token|jwt|credentials?)|${kind}+key)`
  const names = [
    'unauthenticated|unauthori[sz]ed(?:access|request)?|notauth(?:ed|enticated)',
    '(?:invalid|missing|bad|gateway|model)?auth(?:entication)?(?:failed|fails|required|invalid|expired|revoked)?',
    `(?:invalid|incorrect|expired|revoked|bad|wrong|inactive|malformed)${secret}`,
    `${secret}(?:is|has)?(?:notvalid|invalid(?:ated)?|incorrect|expired|revoked|inactive|malformed|disabled|rejected)`,
    'expiredkey|keyexpired|missingapikey|tokennotfoundindb|tokenrefreshrequired|requestexpired|expiredsignature|errjwtexpired',
    'invalid(?:clienttoken|accesskey)id|unrecognizedclient',
  ]
  return new RegExp(`^(?:${names.join('|')})$`)
}

/** Names of other errors, by a part of the name. The first match counts. */
const OTHERS: readonly (readonly [status: number, name: RegExp])[] = [
  [407, /proxy/],
  [429, /ratelimit|toomany|throttl|quota|exhausted|slowdown/],
  [402, /billing|payment|credit|balance/],
  [503, /unavailable|^serveroverload|notready|capacity/],
  [529, /overload/],
  [504, /timeout|timedout|deadline/],
  [499, /cancel|^abort$/],
  [413, /toolarge/],
  [404, /notfound|nosuch/],
  [409, /aborted|alreadyexists|conflict/],
  [
    403,
    /permission|forbidden|denied|notallowed|notauthori|authorizationfailed|unauthorizedoperation|signature/,
  ],
  [501, /implemented/],
  [500, /^server$|internal|dataloss/],
  [
    400,
    /^invalid|^bad|argument|validation|context|content|filter|policy|prompt|precondition|outofrange|unsupported|unprocessable/,
  ],
]

/** Codes of runtimes, and names of clients, for a failed connection or a failed local system call. */
const CONNECTION =
  /^(?:E(?:CONN[A-Z]+|PIPE|TIMEDOUT|NOTFOUND|AI_[A-Z]+|(?:HOST|NET)[A-Z]+|ADDR[A-Z]+|ACCES|PERM|PROTO|AUTH|NOENT|[MN]FILE)|UND_ERR_\w+|ERR_(?:TLS|SSL|STREAM|SOCKET|HTTP2|NETWORK|CANCELED)\w*|HPE_\w+|CERT_\w+|\w*(?:SELF_SIGNED|UNABLE_TO_|DEPTH_ZERO)\w*|FailedToOpenSocket|\w*connection\w*)$/i

/**
 * Names of errors that a client makes itself: for a chunk that cannot be parsed, an output that does not fit its schema, a tool that
 * failed. The words of such an error come from the model, a tool or a person.
 */
const CLIENT_SIDE =
  /^(?:ai)?(?:jsonparse|typevalidation|invalidresponsedata|emptyresponsebody|no\w+generated|zod|syntax|\w*tool\w*|load(?:apikey|setting))$/

/**
 * Vendors' numbers for a rejected token, mostly within a 200. A number counts only beside its message member. In order: MiniMax (in
 * `base_resp`), Baidu, WeCom and DingTalk, Coze and Feishu.
 */
const NUMBERS: readonly (readonly [field: string, message: string, numbers: readonly unknown[]])[] = [
  ['status_code', 'status_msg', [1004, 2049]],
  ['error_code', 'error_msg', [110, 111]],
  ['errcode', 'errmsg', [40001, 40014, 42001]],
  ['code', 'msg', [4100, 700012006, 99991661, 99991663, 99991664, 99991668, 99991671, 99991677]],
]

/** True if this body reports a rejected token by a vendor's number. */
export function isRejectedByNumber(body: object): boolean {
  try {
    const held: unknown = Reflect.get(body, 'base_resp')
    const inner = typeof held === 'object' && held !== null ? held : body
    return NUMBERS.some(
      ([field, message, numbers]) =>
        numbers.includes(Reflect.get(inner, field)) && typeof Reflect.get(inner, message) === 'string',
    )
  } catch {
    return false
  }
}

/** The HTTP status that a name stands for; undefined for a name that is not known. */
export function statusOfName(name: string): number | undefined {
  // `normalized()` would leave only `api` and `unknown`, which are too general to look up.
  if (name === 'api_error' || name === 'UNKNOWN') return 500
  // A provider of this library gives this name to each failed `chat()` that the request itself caused.
  if (name === 'invalid_request') return undefined
  // Tencent's names.
  if (/^AuthFailure\.(?!Unauthorized|MFA)/.test(name)) return 401
  const key = normalized(name)
  rejection ??= readRejection()
  if (rejection.test(key)) return 401
  return OTHERS.find(([, names]) => names.test(key))?.[0]
}

export function isConnectionCode(code: unknown): boolean {
  return typeof code === 'string' && code.length <= MOST_NAME && CONNECTION.test(code)
}

/** True if an error of this name concerns the text of the model, a tool or a person, not the request. */
export function isClientSide(name: unknown): boolean {
  return typeof name === 'string' && CLIENT_SIDE.test(normalized(name))
}

/** Could this text be a name, and not a sentence? */
export function isName(text: string): boolean {
  return text.length <= MOST_NAME && /^[\w.#:/-]*[a-z][\w.#:/-]*$/i.test(text)
}

/**
 * True if this body reports an error: `{"type":"error",…}`, Dify's `{"event":"error",…}`, vLLM's `{"object":"error",…}`, `{"error":…}`,
 * OpenAI's `response.failed`, GraphQL's `{"errors":[…]}`, Tencent's `{"Response":{"Error":…}}`, or a number of {@link NUMBERS}.
 */
export function isErrorBody(body: unknown): boolean {
  try {
    const outer: unknown = Array.isArray(body) ? body[0] : body
    if (typeof outer !== 'object' || outer === null) return false
    const the = (name: string): unknown => Reflect.get(outer, name)
    if (the('error') || the('success') === false || the('type') === 'response.failed') return true
    if (['type', 'event', 'object'].some((name) => the(name) === 'error')) return true
    const [errors, wrapper] = [the('errors'), the('Response') ?? the('ResponseMetadata')]
    if (Array.isArray(errors) && errors.length > 0) return true
    return Boolean(Reflect.get(Object(wrapper), 'Error')) || isRejectedByNumber(outer)
  } catch {
    return false
  }
}

/** `com.amazon.coral.service#ExpiredTokenException:http://…`, `expired_token` and `litellm.ExpiredTokenError` are one name. */
function normalized(name: string): string {
  if (name.length > MOST_NAME) return ''
  return name
    .replace(/:(?!\/\/).*/s, '')
    .replace(/.*[.#/]/s, '')
    .toLowerCase()
    .replaceAll(/[^a-z0-9]/g, '')
    .replace(/(?:error|exception|fault|failure)+$/, '')
}
