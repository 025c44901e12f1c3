/** What was asked of an endpoint, as far as a refusal of it has to be judged and explained. */
export interface Asking {
  /** A person has logged in for it, and can do so again. */
  readonly person: boolean
  /** It redeems what must not be redeemed twice. */
  readonly spends: boolean
  /** It carries what a challenge demands. */
  readonly carriesClaims: boolean
  /** It goes by something signed that is good for a while only: another try, or another clock, may do. */
  readonly isSigned: boolean
  /** The client and how it authenticates, such as `client 'app' (client_secret_basic)`. */
  readonly client?: string | undefined
  /** Which endpoint was asked. Default: the token endpoint. */
  readonly endpoint?: string | undefined
  /** As asked for. */
  readonly scope?: string | undefined
}

/** What to look at, by the error. It begins with a blank, or is empty. */
export function adviceOn(status: number, name: string | undefined, asking: Asking): string {
  const { client = 'the client', endpoint = 'token endpoint', isSigned, scope } = asking
  switch (name) {
    case 'invalid_client':
      return ` It does not accept ${client}: ${isSigned ? 'is its key or assertion registered there, and this clock right' : 'are its id, its secret and the way it authenticates right'}?`
    case 'unauthorized_client':
      return ` It does not let ${client} ask for this: allow the grant there.`
    case 'unsupported_grant_type':
      return ` It does not know this 'grant', or not for ${client}.`
    case 'invalid_scope':
      return scope === undefined
        ? ` Does ${client} need a 'scope'?`
        : ` Is ${client} allowed the scope '${scope.slice(0, 128)}'?`
    case 'invalid_target':
      return " Are 'resource' and 'audience' right?"
    case 'invalid_grant':
      return isSigned
        ? ' Is the assertion or subject token still good, made out to this server, and this clock right?'
        : ''
    default:
      if (status === 404 || status === 405) return ` Is this the ${endpoint}?`
      return status === 401 || status === 403 ? ` It was asked by ${client}.` : ''
  }
}
