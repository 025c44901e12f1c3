import { RefreshError } from '../../errors.ts'
import { optionError } from '../../lib/options.ts'
import { type DefaultRejectionRule, defaultRejectionRules, type RejectionRule } from './default-rules.ts'
import { type Evidence, readFacts } from './facts.ts'
import { header } from './foreign.ts'
import { hear, saysRejected } from './words.ts'

export { type DefaultRejectionRule, defaultRejectionRules, type RejectionRule } from './default-rules.ts'

/** The decision whether a result is a rejection, and why. */
export interface Verdict {
  readonly rejected: boolean
  /** The name of the rule that decided, if one did. */
  readonly rule?: string | undefined
  /** The HTTP status, if it is known. */
  readonly status?: number | undefined
  /** The `WWW-Authenticate` header (RFC 9110 section 11.6.1), for the refresh to read. */
  readonly challenge?: string | undefined
}

/** Rules by name: your own, which are asked in this order before all others, or false to switch a default one off. */
export type RejectionRules = Readonly<
  Record<string, RejectionRule | false> & { [name in DefaultRejectionRule]?: RejectionRule | false }
>

/** A missing scope is no rejection: a fresh token would lack the scope too. */
const MISSING_SCOPE =
  /\b(?:insufficient|missing)[ _]?(?:\w{1,30}[ _])?scopes?\b|\bscope requirement\b|SCOPE_INSUFFICIENT|\b(?:lacks?|not have|without) (?:the |a )?(?:required |necessary |needed )?scopes?\b/i

/**
 * Judges an error, an outcome, a stream's error, a response or a message. Your own rules decide first, then a missing scope (no
 * rejection), then the status: 401 is a rejection, and any other status is none unless a default rule matches. If the error has no status,
 * the vendor's name for the error decides, then the gRPC status, then a connection error or JSON-RPC (no rejection), and only then words.
 *
 * It never throws, follows `cause` chains within bounds, and reads a bounded prefix of each text.
 *
 * @param rules default: {@link defaultRejectionRules}
 */
export function verdict(
  error: unknown,
  rules: Readonly<Record<string, RejectionRule>> = defaultRejectionRules,
): Verdict {
  const facts = readFacts(error)
  const { challenge } = facts
  const readSuccess = (): Evidence => readFacts(error, true)
  return { ...decision(facts, rules, readSuccess), status: facts.errorStatus ?? facts.status, challenge }
}

/** Words in the body of a 401 that may change the verdict, or that the refresh needs. `\\u` may spell any of them. */
const TELLING = /scope|challenge|headers|\\u/i

/** True if the body of a 401 may tell more than its status. */
export function isTelling(body: string): boolean {
  return TELLING.test(body)
}

/**
 * Judges a response as {@link verdict} does. Nearly every rejection is a 401 that names no scope. Its status decides, so its facts are not
 * read: among many rejections at once, that reading would cost more than all else.
 *
 * @param isPlain401 true if the status is 401, the body is not telling, and no rule of the user's is about 401
 */
export function responseVerdict(
  response: { readonly status: number; readonly headers: unknown; readonly body: string },
  rules: Readonly<Record<string, RejectionRule>>,
  isPlain401: boolean,
): Verdict {
  const { status, headers } = response
  if (isPlain401 && header(headers, 'x-llm-refresh') === undefined) {
    const challenge = header(headers, 'www-authenticate') ?? header(headers, 'WWW-Authenticate')
    const isTold = MISSING_SCOPE.test(`${challenge}\n${header(headers, 'x-amzn-errortype')}`)
    if (!isTold) return { rejected: true, rule: 'status_401', status, challenge }
  }
  return verdict(response, rules)
}

/** True if one of the user's own rules is about 401. */
export function hasRuleFor401(rules: Readonly<Record<string, RejectionRule>>): boolean {
  return Object.entries(rules).some(([name, rule]) => !isDefault(name, rule) && includes(rule, 401))
}

/** Options that decide which errors count as rejections. */
export interface UnauthorizedOptions {
  /** Your own rules by name, or false to switch a default rule off. Default: none. */
  readonly rules?: RejectionRules | undefined
}

/**
 * Does this error say that a credential was rejected? True for HTTP 401 and its equivalents in the errors and bodies of OpenAI, Anthropic,
 * Google, Azure, Amazon, Databricks, the AI SDK and gRPC.
 *
 * @throws RefreshError `invalid_option` for an invalid rule, or for `false` under a name that no default rule has
 * @example
 * isUnauthorizedError(error)
 * isUnauthorizedError(error, { rules: { teapot: { statuses: [418], matches: () => true } } })
 */
export function isUnauthorizedError(error: unknown): boolean
export function isUnauthorizedError(error: unknown, options: UnauthorizedOptions): boolean
export function isUnauthorizedError(error: unknown, { rules }: UnauthorizedOptions = {}): boolean {
  return verdict(error, rules && rejectionRules(rules)).rejected
}

/**
 * The default rules with the user's changes. Changed and added rules come first.
 *
 * @throws RefreshError `invalid_option` for an invalid rule, or for `false` under a name that no default rule has
 */
export function rejectionRules(changes: RejectionRules = {}): Readonly<Record<string, RejectionRule>> {
  if (Object(changes) !== changes) throw optionError('rules', 'must be an object')
  const own: [string, RejectionRule][] = []
  for (const [name, rule] of Object.entries(changes)) {
    const isRule =
      rule === false
        ? Object.hasOwn(defaultRejectionRules, name)
        : Array.isArray(rule?.statuses) && typeof rule.matches === 'function'
    if (!isRule) {
      throw new RefreshError(
        'invalid_option',
        `The rule '${name}' must have 'statuses' and 'matches'; only a default one can be false.`,
      )
    }
    if (rule) own.push([name, rule])
  }
  const kept = Object.entries(defaultRejectionRules).filter(([name]) => !Object.hasOwn(changes, name))
  return Object.fromEntries([...own, ...kept])
}

/**
 * Decides whether the evidence is a rejection, and names the rule.
 *
 * @param readSuccess reads the evidence again with the body of a success, which only a user's own rule for successes sees
 */
function decision(
  facts: Evidence,
  rules: Readonly<Record<string, RejectionRule>>,
  readSuccess: () => Evidence,
): Pick<Verdict, 'rejected' | 'rule'> {
  const { status, errorStatus, grpcStatus } = facts
  // One of our surfaces made this response, after it had tried to refresh.
  if (facts.isSynthetic) return { rejected: false }
  const defaults: [string, RejectionRule][] = []
  for (const [name, rule] of Object.entries(rules)) {
    if (isDefault(name, rule)) defaults.push([name, rule])
    else if (errorStatus === undefined || includes(rule, errorStatus) || includes(rule, status)) {
      const isForSuccess = status !== undefined && status < 300 && includes(rule, status)
      const opinion = opinionOf(rule, isForSuccess ? readSuccess() : facts)
      if (opinion !== undefined) return { rejected: opinion === true, rule: name }
    }
  }
  if (MISSING_SCOPE.test(`${facts.challenge}\n${facts.text}`)) return { rejected: false }
  if (errorStatus === 401) return { rejected: true, rule: 'status_401' }
  const known = errorStatus ?? facts.namedStatus
  const heard = known === undefined && !facts.isWordless ? hear(facts.sentences) : undefined
  if (known === undefined) {
    if (grpcStatus === 16) return { rejected: true, rule: 'grpc_unauthenticated' }
    if (grpcStatus !== undefined || heard === undefined) return { rejected: false }
  }
  if (known === 401) return { rejected: true, rule: 'name' }
  for (const [name, rule] of defaults) {
    if (known !== undefined && !includes(rule, known)) continue
    if (opinionOf(rule, facts) === true) return { rejected: true, rule: name }
  }
  return heard !== undefined && saysRejected(heard)
    ? { rejected: true, rule: 'message' }
    : { rejected: false }
}

function isDefault(name: string, rule: RejectionRule): boolean {
  const defaults: Readonly<Record<string, RejectionRule>> = defaultRejectionRules
  return rule === defaults[name]
}

function includes({ statuses }: RejectionRule, status: number | undefined): boolean {
  return status !== undefined && statuses.includes(status)
}

/** undefined if the rule has no opinion, as when it throws. */
function opinionOf(rule: RejectionRule, facts: Evidence): true | 'accepted' | undefined {
  try {
    const opinion: unknown = rule.matches(facts)
    return opinion === true || opinion === 'accepted' ? opinion : undefined
  } catch {
    return undefined
  }
}
