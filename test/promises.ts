/**
 * Every promise of llm-refresh: an id that tests cite in their names, as in `[C3] …`, and what a user may rely on.
 * `planned` names the theme of the work that will show it; everything else is cited by at least one test.
 */
export interface PromiseEntry {
  readonly says: string
  readonly planned?: string
}

export const promises: Readonly<Record<string, PromiseEntry>> = {
  P1: { says: 'A successful `chat` passes through: one attempt, no refresh.' },
  P2: {
    says: '`chat`: an `invalid_request` outcome that is a rejection causes one refresh and one more attempt; the caller sees only the second outcome.',
  },
  P3: {
    says: '`chat`: a thrown rejection is treated the same way (the seed lets it propagate; its stream path does not); any other throw propagates untouched, with no refresh.',
  },
  P4: {
    says: 'When the refresh fails, the caller gets the original outcome, delta or error unchanged, and the failure is reported as an event.',
  },
  P5: {
    says: "`chatStream`: a rejection (an `error` delta or a throw) before the commit refreshes and reopens; the consumer sees only the second stream's content.",
  },
  P6: {
    says: 'Commit is the first `text_delta`, `thinking_delta`, `tool_use_start`, `tool_input_delta`, `signature_delta` or `redacted_thinking`, or any later kind that carries content; after it a rejection is forwarded as it is.',
  },
  P7: { says: 'At most one retry per call; a second rejection is surfaced unchanged.' },
  P8: {
    says: '`done` ends the stream; an abandoned or left stream is closed (`return()` reaches the inner iterator), also when the consumer breaks out early; one who leaves during a refresh causes nothing to open.',
  },
  P9: {
    says: 'Usage is a running total: what an abandoned attempt reported is added to what the retried one reports, and the last `usage` delta counts.',
  },
  P10: {
    says: '`provider`, `model` and `configuredThinking` are captured at construction; capability methods answer as the wrapped provider would, and never wait on a refresh.',
  },
  P11: { says: 'Wrappers made over one refresher share its generations: one refresh serves them all.' },
  P12: {
    says: 'The request object is never mutated and is the same on both attempts; an aborted call is not retried.',
  },
  P13: {
    says: 'A stream that is never consumed makes no attempt; backpressure reaches the provider (nothing is read ahead after the commit).',
  },
  P14: {
    says: '`embed` and `listModels` are refreshed and retried once by the same rule as `chat`; `probe` never refreshes; each of the three is there only where the wrapped provider has it.',
  },
  C1: {
    says: 'Single flight: while a refresh runs, all who need one join it; the refresh function runs once.',
  },
  C2: {
    says: 'A rejection of an older generation returns the one in force and refreshes nothing, however late it comes.',
  },
  C3: {
    says: 'N callers rejected on one generation, their rejections spread over any time and any interleaving, cause exactly one refresh.',
  },
  C4: {
    says: "A caller's abort rejects that caller at once with its reason; the refresh goes on, and its value is kept even if every caller left.",
  },
  C5: {
    says: 'A refresh has its own deadline; waiters then get `refresh_timeout`, the flight stays the only one until it settles or five deadlines have passed, and a value that arrives late is still adopted unless a newer one is in force.',
  },
  C6: {
    says: "A failed refresh is not remembered as a value: after its cooldown the next rejection tries again. Within the cooldown callers fail at once with `refresh_suspended` and the same cause. It doubles from 1 s to 5 s for transient failures (one token request for each refresh while they last), to 60 s for others, and obeys Retry-After up to 60 s; the cooldown of a background refresh ends at the value's expiry.",
  },
  C7: {
    says: 'A terminal failure is held until `set()`, or until `reread`, asked at most once per cooldown, shows something different.',
  },
  C8: {
    says: 'Breaker: against a remote side that rejects everything, 1,000 calls in a minute cause at most 8 refreshes, and each call gets its 401; only a value that was accepted, or that aged, resets it; another remote side on the same credential is not affected.',
  },
  C9: {
    says: 'With a known expiry, a refresh starts ahead of it in the background (window at most 10 % of the lifetime, jittered), while the still-valid value is served; 1,000 calls on 3-second tokens, or on tokens that arrive expired, cause no more refreshes than expiries. A failed background refresh keeps the valid value; an expired value whose refresh failed is still sent.',
  },
  C10: {
    says: "The remote side's verdict outranks the clock: an unexpired value that was rejected is refreshed.",
  },
  C11: {
    says: '`set()` and `clear()` outrank a refresh in flight: its result does not overwrite a new login or resurrect a logged-out one; those who wait get the set value, or `credential_missing`. `clear()` is sticky until `set()`, drops mapped values, and generations never restart.',
  },
  C12: {
    says: '`map` builds once per generation, and a failed build is an error of its callers, not of the cell.',
  },
  C13: {
    says: 'Timers never keep the process alive (but K17), never exceed 2^31−1 ms, and expiry is judged by the clock after a sleep, not by a timer.',
  },
  C14: {
    says: 'A refresh function that throws synchronously, returns nothing, or synchronously needs its own cell fails at once with a clear error; one that needs it later fails at the deadline. Nothing hangs.',
  },
  C15: {
    says: 'A waiter never depends on a timer or promise that belongs to another request: on a runtime that cancels what a request leaves behind, the next call is served, or fails with `refresh_timeout` within its deadline. `background` gets every flight, in the call that began it. A flight has one deadline, from the moment its turn for a lock comes (S11).',
  },
  C16: {
    says: 'A second attempt that is rejected, too, is reported; endpoints that never accepted a token cause at most 8 refreshes in 200 calls for each origin, however they are spread in time, and the others refresh at once when the token really dies.',
  },
  U1: { says: "The seed's truth table holds for messages, case-insensitively." },
  U2: {
    says: 'A status that is known decides: 401 is a rejection unless it says that a scope is missing; any other status is not, unless a rule names it; a 200 around an error is no status of the error. `401` inside a longer number (4010 tokens) is none.',
  },
  U3: {
    says: 'It reads OpenAI, Anthropic, Google, Azure, Bedrock and AI SDK error objects and bodies, WWW-Authenticate `invalid_token`, gRPC `UNAUTHENTICATED`, and the names and numbers of vendors that put an error into a 200 (MiniMax, Tencent, Qianfan, Feishu, Coze), through `cause` chains (bounded, cycle-safe).',
  },
  U4: {
    says: 'A 403 or 400 is a rejection only by a named rule on the vendor\'s own words (Anthropic "revoked", Databricks "Invalid access token", AWS ExpiredToken, Google `API_KEY_INVALID`), on by default, extendable, each switchable off; a missing scope never is.',
  },
  U5: { says: 'It never throws and never reads more than a bounded prefix, whatever it is given.' },
  U6: {
    says: "Names, codes and statuses decide before words: a vendor's own name for another error, a connection error's code, a JSON-RPC error, a chunk that cannot be parsed and a model's or tool's text are never a rejection.",
  },
  U7: { says: 'A rule that a user names wins over the default ones.' },
  F1: {
    says: "The header is set per attempt from the snapshot; the caller's other headers, method, body and signal arrive unchanged on both attempts.",
  },
  F2: {
    says: 'String, bytes, URLSearchParams, FormData, Blob and Request bodies are replayed, also where a platform turned them into streams on the way, up to the replay limit; past it, or for a stream that cannot be recorded, the 401 is returned, and the refresh still happens for the next call.',
  },
  F3: {
    says: 'A 401 body is read up to 64 KiB before the refresh and handed on unchanged if the refresh fails; a larger one is discarded first. No connection is held while refreshing, and a token endpoint behind the same small pool does not deadlock.',
  },
  F4: {
    says: '`origins` is required; the credential goes nowhere else, not across a redirect either (headers other than Authorization: redirects are refused); plain http only to loopback.',
  },
  F5: {
    says: 'With `inspectStreams` on, a 200 event stream whose first event (comments and heartbeats passed over, bounded at 64 KiB) is an authentication error counts as a rejection; bytes already read are handed on in order, untouched.',
  },
  F6: {
    says: "With no token to send and none to be had, fetch answers a 401 of its own whose body names our code, so that each vendor's client raises its own authentication error at once, without retries.",
  },
  F7: {
    says: 'The official OpenAI, Anthropic and Google clients, AI SDK 5, 6 and 7 providers, and the MCP client, survive an expired token with one refresh, unary and streaming, with no change but their `fetch` (or dispatcher) option.',
  },
  F8: {
    says: 'An answer is read by one reader over the original body; an abort at any moment ends nothing but the call.',
  },
  F9: {
    says: "A source's own requests never pass the surface that it serves, also where the interceptor is the global dispatcher.",
  },
  F10: {
    says: 'What was checked is what is fetched; a forwarded `Host` header changes neither the destination nor whose certificate counts.',
  },
  F11: {
    says: 'A request that passes by the credential and is answered 401 is told by an event, once for each origin.',
  },
  F12: {
    says: 'While its token is good, a call that fails, is aborted, or is answered before its body was read ends as it does without us: with the error that the client beneath makes of it, and a stream that is its body hears the same.',
  },
  M1: {
    says: '`refreshingModel`, over a model or over a refresher of models, takes V2, V3 and V4 language models and gives the same version back; `generateText`, `streamText` and tools run on it.',
  },
  M2: {
    says: 'Embedding, image, speech, transcription and any other model with `do…` methods are wrapped by the same function.',
  },
  M3: {
    says: 'An `error` part before the first content part is a rejection like any other. `stream-start`, `response-metadata`, `text-start`, `reasoning-start`, `ping` and `raw` are prelude: they are handed on as they come, and where the stream begins anew inside, nothing begins twice.',
  },
  M4: {
    says: '`refreshingModels` gives a whole provider, a registry or an object of models at once: every model that it gives is refreshed and retried like one of `refreshingModel`, and all share the credential.',
  },
  M5: {
    says: 'What a provider has is read from one build with the token `llm-refresh-placeholder`. No request is made with it: what is called runs on the provider in force, and waits for the first token.',
  },
  M6: {
    says: 'The functions of other objects that a provider gives, such as `files()`, and those named `get…`, `list…`, `upload…` or `delete…`, are refreshed and retried once, too; tools pass as they are.',
  },
  K1: {
    says: "Expiry comes from `expires_in` (seconds, a number or text, also with a unit: `1h`, `PT1H`), else a JWT's `exp`; missing, negative, NaN or absurd values never cache forever or spin.",
  },
  K2: {
    says: 'What a token response leaves out (refresh token, scope, extra) is kept from before.',
  },
  K3: {
    says: '`invalid_grant` and kin are terminal; 429, 5xx, network, timeouts and HTML answers are transient; each has its own error code.',
  },
  K4: {
    says: 'Persisted before handed out. If persisting fails, the token is used and kept, the failure is reported, and the token is written first at the next chance, before anything is adopted or issued.',
  },
  K5: {
    says: 'Grants: refresh_token, client_credentials, token exchange (RFC 8693), JWT bearer (RFC 7523), device code (RFC 8628), authorization code with PKCE on a loopback redirect (RFC 8252).',
  },
  K6: {
    says: 'A command source runs without a shell, with a timeout and single flight; its stderr is not swallowed; its output never reaches a log.',
  },
  K7: {
    says: 'A source talks to its endpoint with the raw fetch it was given, never through the surface it serves; endpoints are https or loopback; redirects are refused.',
  },
  K8: { says: 'Loading, adopting and issuing are told apart in events.' },
  K9: {
    says: "A failure before sending, and a complete 429 or 5xx, are retried within the flight: at most three tries in an outage's first flight, one in later flights, Retry-After obeyed, all inside the deadline. A request that broke after it was sent is tried once more.",
  },
  K10: {
    says: 'A stored token is adopted only for its higher revision; a spent token is never adopted again, and an account that was logged in again is never replaced by the one before it.',
  },
  K11: {
    says: 'The very token that was rejected, returned again, is `unchanged`: no new generation, cooldown.',
  },
  K12: {
    says: 'A pool gives one cell per key: callers of a key share its generations, keys never share anything; a cell goes only when nobody holds it and nothing of it is in flight or unpersisted; memory is bounded, and no timer is held per key.',
  },
  K13: {
    says: 'From the moment a refresh token is sent, nobody sends it again while its answer may come: a slow endpoint, a frozen process, an unreadable 2xx cause one redemption, and what comes late is kept. A request that stays unanswered holds a spending source for five deadlines; then one try is made, and its failure says that the outcome is unknown.',
  },
  K14: {
    says: 'A refusal is remembered beside the record, without secrets: what was refused is not sent again by any process that shares the store until something is different; `Retry-After` binds them all.',
  },
  K15: {
    says: "A failure is terminal only where this program's `login()` is the remedy; a cloud login, a helper or a file that is mended outside is used at the next try. Where the endpoint refused, answered, or could not be reached, the first try comes at most 5 s after it is well, and succeeds, unless its last Retry-After (to 60 s) is longer.",
  },
  K16: {
    says: 'A record made for another issuer or client is never redeemed or used in silence; one with a narrower scope is not used for a wider wish; a seed that was not tried yet is tried before the login is called dead. A token of another command, cloud account, profile, region or scope of this machine is not used, either; the store gets a salted hash of a command line, and no text of it.',
  },
  K17: {
    says: '`flush()` waits until everything is stored; a process with an unsaved token stays alive for at most `exitGrace`.',
  },
  K18: {
    says: 'Answers are judged by their shape, not by their label; no complete 2xx is repeated within its flight for a source that spends; a login ends only by a JSON `error` on the list, or an `error_code` that names the refresh token, and never with a 5xx.',
  },
  K19: {
    says: 'A token response comes from the endpoint, also on a platform whose fetch keeps the responses of POSTs (Next.js 14), and that platform keeps none.',
  },
  K20: {
    says: 'A login that was granted less than it asked for is refreshed with what was granted, where the endpoint refuses the rest at a refresh; a wish that is wider than that of the login is refused as it was.',
  },
  S1: {
    says: '8 processes, one expiry, a reuse-detecting authorization server: one redemption, every caller succeeds, on each shared store, as long as the store keeps its lock.',
  },
  S2: {
    says: 'A waiter re-reads after it gets the lock, and adopts what the winner wrote.',
  },
  S3: {
    says: "A loser's late `invalid_grant` never deletes or overwrites the winner's credential.",
  },
  S4: {
    says: 'SIGKILL at any moment leaves a readable store and a lock that the next process gets within seconds; it learns that the outcome of a redemption may be unknown (`abandoned`), makes one try, and names the failure. A paused holder (SIGSTOP past its lease) cannot cover a newer credential, and its received token is kept if none is newer.',
  },
  S5: {
    says: 'The file store: folders 0700, files 0600, durable before visible, nothing replaced in place; works in bind mounts and behind symlinks; holders in other containers are not taken for dead; future or absurd mtimes harmless; ENOSPC and read-only reported with the old record intact.',
  },
  S6: { says: 'A corrupt or foreign file is a clear error and is never overwritten.' },
  S7: {
    says: 'Redis and PostgreSQL: an outage is an explicit policy, by default refuse to refresh a rotating token without the lock, and keep serving a valid one. What cannot be promised (a failover that forgets the lock) is documented in those words.',
  },
  S8: {
    says: '`sealedStore(store, keys)` encrypts at rest, with key rotation; a wrong key is a clear error.',
  },
  S9: {
    says: 'While a received token is not stored, its process keeps the lock: a store that is away for everyone, for any time between redemption and write, costs no login. `login()` and `logout()` wait for no holder.',
  },
  S10: {
    says: 'A flight that was given up gives its lock back (as abandoned, where a request was sent); a waiter whose flight is over stops waiting, and no program is kept alive by either.',
  },
  S11: {
    says: 'Ten thousand accounts that expire at once in one process are all served: `maxLocks` bounds the locks taken at a time, and waiting for one starts no deadline.',
  },
  S12: {
    says: 'Sealed records are refused, not used and not overwritten, by whoever has no keys; sealing covers the whole record; records and folders that others could have planted are refused before anything is read.',
  },
  X1: {
    says: 'Listens on loopback by default and demands its own local secret; checks Host and Origin; a web page cannot spend the token.',
  },
  X2: {
    says: 'Forwards any method, path, headers, streaming both ways, backpressure, abort, trailers; hop-by-hop headers are stripped; compression is passed through untouched.',
  },
  X3: {
    says: 'Retries once on a rejection, bodies buffered up to a limit for replay; above it a single attempt, and the refresh for the next.',
  },
  X4: {
    says: 'Routes several upstreams and credentials; anything not routed is refused.',
  },
  X5: {
    says: 'SIGTERM drains: open streams end, new ones are refused; `/healthz`, `/metrics`.',
  },
  X6: {
    says: 'curl, the Python and Node SDKs, and tools that only take a static key work by changing a base URL and a key.',
  },
  X7: {
    says: "On an MCP route no 401 and no `WWW-Authenticate` reach the client, and `/.well-known/` answers 404; the source reads the challenge. A call whose login is known to have ended is answered at once, in the vendor's shape, with what mends it, and is not sent.",
  },
  L1: {
    says: '`login`, `logout`, `status`, `token`, `run -- CMD`, `proxy`, `key`, `check`, `demo`; `--help`, `--json`, documented exit codes; progress on a terminal, plain lines otherwise.',
  },
  L2: {
    says: '`token` prints a fresh token and nothing else; twenty at once cause one refresh. It serves as a key helper for other tools. A service gets its token while the store is down, and each failure names the credential and the command that tells more. A token that was printed before is printed again at once, as long as the configuration, all rights, the record and the time allow it.',
  },
  L3: {
    says: 'No secret appears in arguments, logs, errors, `--json` or crash output.',
  },
  L4: {
    says: 'Wrong input gets one clear line that names the fix, and exit code 2.',
  },
  L5: {
    says: '`login` of what is not in the configuration asks a person what it cannot discover, on a terminal only, and writes only with consent, and no URL of an MCP server that leads to no login; without a terminal one line says what to add.',
  },
  L6: {
    says: "`check` finds what is amiss from the configuration to a real token and to the upstream of each route, once each, and names the fix: fields, clock, store, rights, locks, proxies, CAs, metadata (of an MCP login's server, too), clients, secrets, logins, refresh tokens, routes. It ends with 3 where a login is needed, and so does `status` for a login that ended with its access token.",
  },
  A1: {
    says: 'MCP: who issues the tokens is found where the challenge says, else under the path, else at the root (RFC 9728), then in the three orders of the authorization server; the issuer is compared byte for byte, and `resource` is sent verbatim in every request, unless the user has it left out (`resourceParameter`).',
  },
  A2: {
    says: 'MCP: metadata or a challenge that lead to another origin, over http, into a private network, to another server or behind a redirect, or that name no authorization server or many, are one clear error; nobody else is asked, and nothing is sent.',
  },
  A3: {
    says: 'MCP: a refresh token is shown to nobody but the issuer that issued it, for the client that it was issued to; an issuer that changed is named beside the old one, and gets no secret of the client, either, unless it is listed.',
  },
  A4: {
    says: 'MCP: client credentials, with a secret or a key, and an identity assertion of the identity provider (ID-JAG) need no person; the assertion is asked for the server that was discovered.',
  },
  A5: {
    says: 'MCP: a login in two halves is finished on any instance, once, within 10 minutes, by the browser that began it, at the issuer that it was begun at; every other outcome is named.',
  },
  A6: {
    says: 'MCP: pre-registered, else a Client ID Metadata Document, else registered once by one process, kept by issuer, and made anew, once, where the server does not know it any more; a credential never takes such a record for its own.',
  },
  A7: {
    says: 'A missing scope is no rejection: it is demanded once for each scope, without the breaker; where no person is needed the union is asked for and the call made once more, by every surface and with every grant; else the token in force stays and the demand is told. A server that demands for ever ends with its 403.',
  },
  A8: {
    says: 'MCP clients that share a store, each without a change but its `fetch`, lose no call to tokens that expire: one redemption for each expiry.',
  },
  A10: {
    says: "MCP: every authorization scenario for clients of the protocol's own conformance suite passes, as revision 2025-11-25 and as 2026-07-28; the few that do not apply are listed with their reason.",
  },
  A11: {
    says: 'MCP: for each MUST of the authorization chapter, and of RFC 8707, 9207 and 9728, that concerns a client, a page names the promise and the tests that show it, or why it does not apply.',
  },
  A12: {
    says: 'MCP: a login begins at a server whose metadata list PKCE with S256, and at no other, but for one that lists nothing where the user says so (`pkce`); each login asks anew who issues the tokens.',
  },
  A13: {
    says: 'A demand for a scope that meets an outage or a pause is not lost; one that is refused takes no other with it; a scope that was granted on demand and is refused later leaves what the configuration asks for; a login that a person widened stays wide.',
  },
  A14: {
    says: 'MCP: a login whose return met an outage of the metadata is finished by the same return afterwards: its code was not sent.',
  },
  E1: {
    says: 'No message ends without its reason; system codes, both issuers, the client id and its way of authenticating are named. What can be known at construction is refused there.',
  },
  E2: {
    says: "Class names survive the build; a driver's error is stripped of records and parameters before it becomes a cause.",
  },
  E3: {
    says: 'Every block of code in the README, the docs and the docstrings compiles and runs as printed.',
    planned: 'words, names and documents',
  },
  E4: { says: 'Whatever a test or the demo starts ends with it, also on a time-out or an interrupt.' },
  E5: {
    says: 'A message that a source, a store or a refresh leads to fits a program and the command line: it names no function, and no option that the configuration file lacks. The pages name the functions.',
  },
  R1: {
    says: 'The published types compile on TypeScript 5.4 and newer, without the DOM library, and with the types of Node, Bun or Workers.',
  },
  R2: {
    says: 'The root entry works on Node 20.19 and newer, Bun, Deno, workerd and browsers, also where members are missing that Node has; what cannot work there is one clear error.',
  },
  Z1: {
    says: "Tokens never appear in errors we create, events, `util.inspect` or `JSON.stringify` of our objects (cells, credentials, providers, stores, pools), traces or logs: tested with planted canaries. The value inside a snapshot is its reader's to guard.",
  },
  Z2: {
    says: 'Events and `node:diagnostics_channel` tell of refreshes (cause, duration, outcome, joined callers), rejections, retries, adoptions, lock waits; OpenTelemetry is an optional peer.',
  },
  Z3: { says: 'An unobserved event costs next to nothing, and so does a refresh that is over.' },
}
