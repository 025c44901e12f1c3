import { RefreshError } from './errors.ts'
import { type ErrorFacts, readFacts } from './facts.ts'
import { optionError } from './options.ts'

/** Whether something is a rejection, and why. */
export interface Verdict {
  readonly rejected: boolean
  /** The named rule that decided, where one did. */
  readonly rule?: string | undefined
  /** HTTP status, when it is known. */
  readonly status?: number | undefined
  /** The `WWW-Authenticate` header (RFC 9110 section 11.6.1), for the refresh to read. */
  readonly challenge?: string | undefined
}

/** A vendor's way of saying, with a status other than 401, that a credential is no good. */
export interface RejectionRule {
  /** The HTTP statuses it applies to. Where no status is known, every rule applies. */
  readonly statuses: readonly number[]
  /** What it throws counts as no. */
  readonly matches: (facts: ErrorFacts) => boolean
}

/** Rules by name: one of your own, or false to switch one of {@link defaultRejectionRules} off. */
export type RejectionRules = Readonly<Record<string, RejectionRule | false>>

/** The rules that are on by default. */
export const defaultRejectionRules: Readonly<Record<string, RejectionRule>> = Object.freeze({
  /** RFC 6750 section 3.1 names it for 401; some gateways send it with another status. */
  invalid_token: {
    statuses: [400, 403],
    matches: ({ challenge }) => /\berror\s*=\s*"?invalid_token\b/i.test(challenge ?? ''),
  },
  anthropic_revoked: says([403], /\btoken has been revoked\b/i),
  databricks_invalid_token: says([400, 403], /\b(?:invalid access token|token is expir(?:ing|ed))\b/i),
  aws_expired_token: says(
    [400, 403],
    /\b(?:ExpiredToken(?:Exception)?|UnrecognizedClientException|security token included in the request is (?:expired|invalid))\b/i,
  ),
  google_api_key_invalid: says([400, 403], /\bAPI[ _]key[ _](?:invalid|not valid|expired)\b/i),
})

/** A token that lacks a scope is a good token: a fresh one would lack it, too. */
const MISSING_SCOPE =
  /\b(?:insufficient|missing)[ _](?:\w+ )?scopes?\b|\bscope requirement\b|SCOPE_INSUFFICIENT/i

/** What messages, codes and types say of a rejection, where no status is known. */
const REJECTED =
  /(?:[ \t([:]|status=)401(?![.,]?\w)|unauth(?:orized|enticated)|authentication|token_(?:expired|invalidated)|(?:invalid|incorrect)[_ ](?:x-)?api[_ -]key/i

/**
 * Judges an error, an outcome, a stream's error, a response or a message. A status that is known decides: 401 is
 * a rejection, and any other is none unless a rule names it. Where none is known, the vendors' codes and words do.
 *
 * It never throws, follows `cause` chains within bounds, and reads a bounded prefix of what it is given.
 *
 * @param rules default: {@link defaultRejectionRules}
 */
export function verdict(
  error: unknown,
  rules: Readonly<Record<string, RejectionRule>> = defaultRejectionRules,
): Verdict {
  const facts = readFacts(error)
  const { status, challenge } = facts
  const rule = MISSING_SCOPE.test(`${challenge}\n${facts.text}`) ? undefined : decisiveRule(facts, rules)
  return { rejected: rule !== undefined, rule, status, challenge }
}

/**
 * Does this error say that a credential was rejected? True for HTTP 401 and what amounts to it, in the errors and
 * bodies of OpenAI, Anthropic, Google, Azure, Amazon, Databricks, the AI SDK and gRPC. See {@link verdict}.
 */
export function isUnauthorizedError(error: unknown): boolean {
  return verdict(error).rejected
}

/**
 * The default rules with changes.
 *
 * @throws RefreshError `invalid_option` for a rule that is none, or a switched-off name that does not exist
 * @example
 * const rules = rejectionRules({ databricks_invalid_token: false, teapot: { statuses: [418], matches: () => true } })
 */
export function rejectionRules(changes: RejectionRules = {}): Readonly<Record<string, RejectionRule>> {
  if (Object(changes) !== changes) throw optionError('rules', 'must be an object')
  const rules: Record<string, RejectionRule> = { ...defaultRejectionRules }
  for (const [name, rule] of Object.entries(changes)) {
    const isRule =
      rule === false
        ? Object.hasOwn(rules, name)
        : Array.isArray(rule?.statuses) && typeof rule.matches === 'function'
    if (!isRule) {
      throw new RefreshError(
        'invalid_option',
        `The rule '${name}' must have 'statuses' and 'matches'; only a default one can be false.`,
      )
    }
    if (rule) rules[name] = rule
    else delete rules[name]
  }
  return rules
}

function says(statuses: readonly number[], words: RegExp): RejectionRule {
  return { statuses, matches: ({ text }) => words.test(text) }
}

/** The name of what makes it a rejection. */
function decisiveRule(facts: ErrorFacts, rules: Readonly<Record<string, RejectionRule>>): string | undefined {
  const { status, grpcStatus, text } = facts
  if (status === 401) return 'status_401'
  for (const [name, { statuses, matches }] of Object.entries(rules)) {
    try {
      if ((status === undefined || statuses.includes(status)) && matches(facts)) return name
    } catch {
      // see RejectionRule
    }
  }
  if (status === undefined && grpcStatus === 16) return 'grpc_unauthenticated'
  return status === undefined && grpcStatus === undefined && REJECTED.test(text) ? 'message' : undefined
}
