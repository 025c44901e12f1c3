import type { ErrorFacts } from './facts.ts'
import { isWholeJson, jsonIn } from './foreign.ts'
import { plain, speaksOfOthers } from './words.ts'

/** The default rules' names, each of which can be switched off. */
export type DefaultRejectionRule =
  | 'invalid_token'
  | 'anthropic_revoked'
  | 'databricks_invalid_token'
  | 'aws_expired_token'
  | 'google_api_key_invalid'
  | 'azure_expired_token'
  | 'huggingface_invalid_token'
  | 'litellm_expired_key'
  | 'xai_incorrect_key'
  | 'expired_token'
  | 'wrapped_401'

/** A vendor's way of saying, with a status other than 401, that a credential is no good. */
export interface RejectionRule {
  /** The HTTP statuses it applies to. If the error has no status of its own, every rule of yours applies. */
  readonly statuses: readonly number[]
  /**
   * True: a rejection. `'accepted'`: none, whatever else speaks for it. False or undefined: no opinion; the rules after this one,
   * and then the default ones, decide. A rule that throws, or gives anything else, has no opinion either.
   */
  readonly matches: (facts: ErrorFacts) => boolean | 'accepted' | undefined
}

/** An authentication that timed out is Iceberg's. OpenAI's bare `token_expired` comes with a 401; with another status it is no more than a word. jsonwebtoken throws a `TokenExpiredError`. */
const EXPIRED_TOKEN =
  /^(?:(?:[\w.]+\.)?(?:(?:access|auth\w*|bearer|id|jwt)_?token_?(?:expired|revoked)|(?:err_)?jwt_?expired|authentication_?timeout|expired_?(?:jwt|signature|(?:\w+_?)?token))(?:error|exception)?|tokenexpirederror)$/i
const INVALID_KEY = /^(?:invalid_?api_?key|api_?key_?(?:invalid|not_?valid)|token_not_valid)(?:error)?$/i
/** The rules that are on by default. */
// Made by a function that is marked as pure: a program that imports only a cell does not carry them.
export const defaultRejectionRules: Readonly<Record<DefaultRejectionRule, RejectionRule>> =
  /* @__PURE__ */ makeRules()

function makeRules(): Readonly<Record<DefaultRejectionRule, RejectionRule>> {
  /**
   * The phrase must be a sentence of its own, because a 400 may quote the request. The exception's class may stand before it, also in the
   * title of a page.
   */
  const start = /^(?:<.{1,999}?> *(?:error \d+ )?)?(?:[\w.]*(?:error|exception): )?/.source
  /** The phrase must be a whole sentence: many frameworks' examples respond so with a 403. With a 400 it may be a tokenizer's. */
  const invalidSentence = new RegExp(
    start +
      /(?:(?:invalid|incorrect)(?:,? or expired)? (?:(?:api|access|bearer|auth[a-z]*|jwt)[ _-])*(?:token|key)(?: provided)?|(?:the|your)(?: provided)? (?:(?:api|access|bearer|auth[a-z]*|jwt)[ _-])*(?:token|key)(?: you provided| provided)? is (?:invalid|not valid|incorrect)(?: or (?:has )?expired)?|could not validate credentials)(?:$|[.!](?: |$))/
        .source,
    'im',
  )
  const expiredSentence = new RegExp(
    start +
      /(?:(?:unauthori[sz]ed|forbidden|access denied|authentication (?:error|failed)): )?(?:(?:the|your|this) )?(?:(?:provided|supplied|incoming|current) )?(?:(?:api|access|bearer|oauth2?|jwt|id|auth[a-z]*)[ _-])*(?:token|key|jwt|signature)(?: you provided| provided)?(?: has| is| was)?(?: already)?(?: been)? (?:expired|revoked)\b/
        .source,
    'im',
  )
  const vendors: Readonly<
    Record<Exclude<DefaultRejectionRule, 'expired_token' | 'wrapped_401'>, RejectionRule>
  > = {
    /** RFC 6750 section 3.1 names it for 401; some gateways send it with another status, in the header or in the body. */
    invalid_token: {
      statuses: [400, 403],
      matches: ({ challenge, names }) =>
        /\berror\s*=\s*"?invalid_token\b/i.test(challenge ?? '') ||
        names.some((name) => /^invalid_?(?:access_?)?token(?:error)?$/i.test(name)),
    },
    anthropic_revoked: says(/\btoken has been revoked\b/i, [403]),
    databricks_invalid_token: says(
      /\binvalid access token\b|(?:^|[^\w\s]\s*|\b(?:the|your|this|access|\d{3}) )token is expir(?:ing|ed)\b/im,
    ),
    /** A signature that has expired, or was made with keys that were replaced, is made anew with fresh ones. One from the future is a wrong clock, one for elsewhere a wrong region. */
    aws_expired_token: says(
      /\bSignature expired: |\b(?:SignatureDoesNotMatch|InvalidSignatureException|ExpiredToken(?:Exception)?|UnrecognizedClientException|InvalidClientTokenId|InvalidAccessKeyId|RequestExpired|TokenRefreshRequired|(?:security|bearer) token included in the request is (?:expired|invalid)|bearer token has expired|make sure your API key is valid)\b/i,
      [400, 403],
      /\bnot yet current\b|\bscoped to a (?:valid|correct)\b/i,
    ),
    google_api_key_invalid: says(/\bAPI[ _]key[ _](?:invalid|not valid|expired|was reported as leaked)\b/i),
    azure_expired_token: says(/\b(?:TokenExpired|ExpiredAuthenticationToken|InvalidAuthenticationToken)\b/),
    huggingface_invalid_token: says(
      /^Authorization header is correct, but the token seems invalid\b/im,
      [400],
    ),
    litellm_expired_key: says(/\bexpired_key\b|^Authentication Error - Expired Key\b/im),
    xai_incorrect_key: says(/^(?:\d{3} )?"?Incorrect API key provided\b/im, [400]),
  }
  /** Does a rule above speak of it? Then it is left to that rule, so that each can be switched off. */
  const isTaken = (facts: ErrorFacts, rules: Readonly<Record<string, RejectionRule>> = vendors): boolean =>
    Object.values(rules).some(
      ({ statuses, matches }) => statuses.includes(facts.status ?? 403) && matches(facts) === true,
    )
  const expired_token: RejectionRule = {
    // Those above 403 are no standard's. Laravel has a 419 for a form that is too old.
    statuses: [400, 403, 419, 498],
    matches: (facts) =>
      (facts.names.some((name) => EXPIRED_TOKEN.test(name) || INVALID_KEY.test(name)) ||
        expiredSentence.test(facts.text) ||
        // The name alone, where others have a sentence.
        facts.text.split('\n').some((line) => EXPIRED_TOKEN.test(line.trim())) ||
        ((facts.status === 403 || facts.status === 498) && invalidSentence.test(facts.text))) &&
      // The sentence concerns a refresh token, or another redeemed credential.
      !facts.names.includes('invalid_grant') &&
      !isTaken(facts),
  }
  return Object.freeze({
    ...vendors,
    /** Any other vendor that says plainly, by a name or in a sentence of its own, that the token or key has expired, was revoked or is invalid. */
    expired_token,
    /** A gateway gives another's 401 a status of its own, and states the 401 in the body. With 403, 502 and others it speaks of something else. */
    wrapped_401: {
      statuses: [400, 500],
      matches: (facts) =>
        facts.statedStatus === 401 &&
        !facts.text.split('\n').some((line) => speaksOfOthers(plain(line))) &&
        !isTaken(facts, { ...vendors, expired_token }),
    },
  })
}

/** A quoted part of a text is another party's words, such as a prompt. */
function says(words: RegExp, statuses: readonly number[] = [400, 403], unless?: RegExp): RejectionRule {
  const matches = ({ text }: ErrorFacts): boolean =>
    words.test(text) && unless?.test(text) !== true && linesOf(text).some((line) => words.test(line))
  return { statuses, matches }
}

/** JSON that could be read is there once more, value by value. */
function linesOf(text: string): string[] {
  return text
    .split('\n')
    .map((line) => (isWholeJson(line) && jsonIn(line) === undefined ? line : plain(line)))
}
