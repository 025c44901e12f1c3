import type { ErrorFacts } from './facts.ts'
import { isWholeJson, jsonIn } from './foreign.ts'
import { plain, speaksOfOthers } from './words.ts'

/** The names of the default rules. You can switch off each. */
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

/** Recognizes how one vendor rejects a credential with a status other than 401. */
export interface RejectionRule {
  /** The HTTP statuses that the rule applies to. If the error has no status of its own, every rule of yours applies. */
  readonly statuses: readonly number[]
  /**
   * True: a rejection. `'accepted'`: no rejection, and no other rule is asked. False or undefined: no opinion, so the rules after this
   * one, and then the default ones, decide. A rule that throws, or returns anything else, has no opinion.
   */
  readonly matches: (facts: ErrorFacts) => boolean | 'accepted' | undefined
}

/**
 * `AuthenticationTimeout` is Iceberg's name, `TokenExpiredError` is jsonwebtoken's. OpenAI's bare `token_expired` is left out: it comes with
 * a 401, and with another status the words may mean something else.
 */
const EXPIRED_TOKEN =
  /^(?:(?:[\w.]+\.)?(?:(?:access|auth\w*|bearer|id|jwt)_?token_?(?:expired|revoked)|(?:err_)?jwt_?expired|authentication_?timeout|expired_?(?:jwt|signature|(?:\w+_?)?token))(?:error|exception)?|tokenexpirederror)$/i
const INVALID_KEY = /^(?:invalid_?api_?key|api_?key_?(?:invalid|not_?valid)|token_not_valid)(?:error)?$/i
/** The rules that are on by default. */
// A function marked as pure makes them, so that a bundler leaves them out of a program that imports only a cell.
export const defaultRejectionRules: Readonly<Record<DefaultRejectionRule, RejectionRule>> =
  /* @__PURE__ */ makeRules()

function makeRules(): Readonly<Record<DefaultRejectionRule, RejectionRule>> {
  /**
   * The phrase must begin a line, because a 400 may quote the request. The exception's class may stand before the phrase, also in the title
   * of an HTML page.
   */
  const start = /^(?:<.{1,999}?> *(?:error \d+ )?)?(?:[\w.]*(?:error|exception): )?/.source
  /** The phrase must be a whole sentence. The examples of many frameworks respond so with a 403; with a 400 a tokenizer may say it. */
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
    /** RFC 6750 section 3.1 defines `invalid_token` for a 401. Some gateways send it with another status, in the header or in the body. */
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
    /**
     * Fresh keys mend a signature that has expired, or that was made with replaced keys. They do not mend one from the future (a wrong clock)
     * or for another region, so those are no rejections.
     */
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
  /** True if a vendor's rule above matches. Then the general rules leave the case to that rule, so that you can switch off each alone. */
  const isTaken = (facts: ErrorFacts, rules: Readonly<Record<string, RejectionRule>> = vendors): boolean =>
    Object.values(rules).some(
      ({ statuses, matches }) => statuses.includes(facts.status ?? 403) && matches(facts) === true,
    )
  const expired_token: RejectionRule = {
    // No standard defines 419 and 498. Laravel also sends a 419 for a form that is too old, so the text decides.
    statuses: [400, 403, 419, 498],
    matches: (facts) =>
      (facts.names.some((name) => EXPIRED_TOKEN.test(name) || INVALID_KEY.test(name)) ||
        expiredSentence.test(facts.text) ||
        // Some vendors send only the name where others send a sentence.
        facts.text.split('\n').some((line) => EXPIRED_TOKEN.test(line.trim())) ||
        ((facts.status === 403 || facts.status === 498) && invalidSentence.test(facts.text))) &&
      // With `invalid_grant` the sentence is about a refresh token, or about another redeemed credential.
      !facts.names.includes('invalid_grant') &&
      !isTaken(facts),
  }
  return Object.freeze({
    ...vendors,
    /** Any other vendor that says by a name or in a sentence of its own that the token or key has expired, was revoked or is invalid. */
    expired_token,
    /** A gateway passes another server's 401 on as a 400 or 500, with the 401 in the body. With other statuses that means other things. */
    wrapped_401: {
      statuses: [400, 500],
      matches: (facts) =>
        facts.statedStatus === 401 &&
        !facts.text.split('\n').some((line) => speaksOfOthers(plain(line))) &&
        !isTaken(facts, { ...vendors, expired_token }),
    },
  })
}

/** A rule that looks for words outside of quotations: a quotation holds another party's words, such as a prompt. */
function says(words: RegExp, statuses: readonly number[] = [400, 403], unless?: RegExp): RejectionRule {
  const matches = ({ text }: ErrorFacts): boolean =>
    words.test(text) && unless?.test(text) !== true && linesOf(text).some((line) => words.test(line))
  return { statuses, matches }
}

/** The lines without their quotations. A line of readable JSON is dropped, because the text also holds each of its values as a line. */
function linesOf(text: string): string[] {
  return text
    .split('\n')
    .map((line) => (isWholeJson(line) && jsonIn(line) === undefined ? line : plain(line)))
}
