import { RefreshError } from './errors.ts'
import { type ErrorFacts, readFacts } from './facts.ts'
import { describe } from './options.ts'

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
  anthropic_revoked: {
    statuses: [403],
    matches: ({ text }) => /\btoken has been revoked\b/i.test(text),
  },
  databricks_invalid_token: {
    statuses: [400, 403],
    matches: ({ text }) => /\binvalid access token\b|\btoken is expir(?:ing|ed)\b/i.test(text),
  },
  aws_expired_token: {
    statuses: [400, 403],
    matches: ({ codes, text }) =>
      codes.some((code) => /\bExpiredToken(?:Exception)?\b|\bUnrecognizedClientException\b/.test(code)) ||
      /\bsecurity token included in the request is (?:expired|invalid)\b/i.test(text),
  },
  google_api_key_invalid: {
    statuses: [400, 403],
    matches: ({ codes, text }) =>
      codes.includes('API_KEY_INVALID') || /\bAPI key (?:not valid|expired)\b/i.test(text),
  },
} satisfies Record<string, RejectionRule>)

/** A token that lacks a scope is a good token: a fresh one would lack it, too. */
const MISSING_SCOPE =
  /\binsufficient[_ ](?:authentication )?(?:permissions? or )?scopes?\b|\bmissing (?:required )?scopes?\b|\bscope requirement\b|\bACCESS_TOKEN_SCOPE_INSUFFICIENT\b/i

/** What messages say of a rejection, where no status is known. */
const REJECTED_TEXT =
  /(?:\s|status=)401(?![0-9])|unauthorized|unauthenticated|authentication|token_expired|token_invalidated|expiredauthenticationtoken|invalid api key|invalid_api_key/i

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
  // What this library says itself is not the remote side's word.
  if (error instanceof RefreshError) return { rejected: false }
  const facts = readFacts(error)
  const { status, challenge } = facts
  const rule = isScopeMissing(facts) ? undefined : decisiveRule(facts, rules)
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
  const rules = new Map(Object.entries(defaultRejectionRules))
  for (const [name, rule] of Object.entries(changes)) {
    if (rule === false) {
      if (!rules.delete(name))
        throw invalid(name, `does not exist; there are ${[...rules.keys()].join(', ')}`)
    } else if (!Array.isArray(rule?.statuses) || typeof rule.matches !== 'function') {
      throw invalid(name, `must be false, or have 'statuses' and a function 'matches', not ${describe(rule)}`)
    } else {
      rules.set(name, rule)
    }
  }
  return Object.freeze(Object.fromEntries(rules))
}

function invalid(name: string, problem: string): RefreshError {
  return new RefreshError('invalid_option', `The rejection rule '${name}' ${problem}.`)
}

function isScopeMissing({ challenge, codes, text }: ErrorFacts): boolean {
  return (
    MISSING_SCOPE.test(text) || MISSING_SCOPE.test(codes.join('\n')) || MISSING_SCOPE.test(challenge ?? '')
  )
}

/** The name of what makes it a rejection. */
function decisiveRule(facts: ErrorFacts, rules: Readonly<Record<string, RejectionRule>>): string | undefined {
  const { status, grpcStatus } = facts
  if (status === 401) return 'status_401'
  if (status === undefined && grpcStatus === 16) return 'grpc_unauthenticated'
  for (const [name, rule] of Object.entries(rules)) {
    if ((status === undefined || rule.statuses.includes(status)) && holds(rule, facts)) return name
  }
  if (status !== undefined || grpcStatus !== undefined) return undefined
  return saysRejected(facts) ? 'message' : undefined
}

function saysRejected({ codes, text }: ErrorFacts): boolean {
  return REJECTED_TEXT.test(text) || codes.some((code) => code === '401' || REJECTED_TEXT.test(code))
}

function holds(rule: RejectionRule, facts: ErrorFacts): boolean {
  try {
    return rule.matches(facts)
  } catch {
    return false
  }
}
