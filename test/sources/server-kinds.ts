import type { AuthorizationServerProfile, ServerCase, ServerResponse } from './servers.ts'

/** A kind of response. `otherwise` makes one by the standards, for a server whose profile has none of this kind. */
interface Kind {
  readonly name: string
  readonly fits: (serverCase: ServerCase) => boolean
  readonly otherwise: (profile: AuthorizationServerProfile) => ServerCase
}

const json = (status: number, body: unknown): ServerResponse => ({ status, body })
const page: ServerResponse = {
  status: 200,
  body: '<!DOCTYPE html><html><head><title>Sign in</title></head><body></body></html>',
  type: 'text/html; charset=utf-8',
}
const named =
  (pattern: RegExp) =>
  ({ when }: ServerCase): boolean =>
    pattern.test(when)

/** The members of this server's token response. */
export function tokenOf({ cases }: AuthorizationServerProfile): Readonly<Record<string, unknown>> {
  for (const { means, responds } of cases) {
    const { body, type } = responds
    if (
      means === 'token' &&
      typeof body === 'object' &&
      body !== null &&
      type === undefined &&
      !Array.isArray(body)
    )
      return { ...body }
  }
  return { access_token: 'fresh', token_type: 'Bearer', expires_in: 3600 }
}

function formOf(fields: Readonly<Record<string, unknown>>): string {
  const texts = Object.entries(fields).map(([name, value]): [string, string] => [
    name,
    typeof value === 'string' ? value : JSON.stringify(value),
  ])
  return new URLSearchParams(texts).toString()
}

const DOWN: ServerCase = {
  when: 'down',
  means: 'down',
  responds: { status: 503, body: '<html><h1>503 Service Unavailable</h1></html>', type: 'text/html' },
}

/** The server's response while it is down. */
export function downOf({ cases }: AuthorizationServerProfile): ServerCase {
  return cases.find(({ means }) => means === 'down') ?? DOWN
}

const KINDS: readonly Kind[] = [
  {
    name: 'fresh',
    fits: named(/^fresh$/),
    otherwise: (profile) => {
      const { refresh_token: _rotated, ...body } = tokenOf(profile)
      return { when: 'fresh', means: 'token', responds: json(200, body) }
    },
  },
  {
    name: 'rotated',
    fits: named(/^rotated$/),
    otherwise: (profile) => ({
      when: 'rotated',
      means: 'token',
      responds: json(200, { ...tokenOf(profile), refresh_token: 'rotated' }),
    }),
  },
  {
    name: 'refused',
    fits: ({ means }) => means === 'refused',
    otherwise: () => ({
      when: 'a wrong client',
      means: 'refused',
      responds: json(401, { error: 'invalid_client' }),
      says: /client 'client'|this workload/,
    }),
  },
  {
    name: 'expired login',
    fits: ({ means }) => means === 'ended',
    otherwise: () => ({
      when: 'expired login',
      means: 'ended',
      responds: json(400, { error: 'invalid_grant' }),
    }),
  },
  {
    name: 'rate limited',
    fits: ({ means }) => means === 'limited',
    otherwise: () => ({
      when: 'rate limited',
      means: 'limited',
      responds: {
        status: 429,
        body: 'Too many requests',
        type: 'text/plain',
        headers: { 'retry-after': '30' },
      },
    }),
  },
  { name: 'down', fits: ({ means }) => means === 'down', otherwise: () => DOWN },
  {
    name: 'slow',
    fits: named(/^slow$/),
    otherwise: (profile) => ({
      when: 'slow',
      means: 'token',
      responds: { ...json(200, tokenOf(profile)), after: 9_000 },
    }),
  },
  {
    name: 'a page',
    fits: ({ means }) => means === 'page',
    otherwise: () => ({ when: 'a page of what stands before it', means: 'page', responds: page }),
  },
  {
    name: 'form',
    fits: named(/^as a form$/),
    otherwise: (profile) => ({
      when: 'as a form',
      means: 'token',
      responds: {
        status: 200,
        body: formOf(tokenOf(profile)),
        type: 'application/x-www-form-urlencoded; charset=utf-8',
      },
    }),
  },
  {
    name: 'mislabelled',
    fits: named(/^mislabelled$/),
    otherwise: (profile) => ({
      when: 'mislabelled',
      means: 'token',
      responds: { ...json(200, tokenOf(profile)), type: 'text/html; charset=utf-8' },
    }),
  },
  {
    name: 'mislabelled end',
    fits: named(/^its end mislabelled$/),
    otherwise: ({ cases }) => {
      const ended = cases.find(({ means, responds }) => means === 'ended' && responds.type === undefined)
      const responds = ended?.responds ?? json(400, { error: 'invalid_grant' })
      return { when: 'its end mislabelled', means: 'ended', responds: { ...responds, type: 'text/html' } }
    },
  },
]

/** The cases of a server's profile, and a standard case of each kind that the profile lacks. */
export function allCasesOf(profile: AuthorizationServerProfile): readonly ServerCase[] {
  const missing = KINDS.filter(({ fits }) => !profile.cases.some(fits))
  return [...profile.cases, ...missing.map(({ otherwise }) => otherwise(profile))]
}
