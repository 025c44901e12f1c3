import type { CredentialDefinition, WorkloadDefinition } from './credentials.ts'

/** A problem of a credential whose fields are each valid. */
export interface Problem {
  /** The path of the field below the credential; empty for the credential itself. */
  readonly at: readonly string[]
  readonly message: string
}

/** Finds a field that this kind of source or grant needs and lacks, or that it does not know. */
export function problemOfCredential(credential: CredentialDefinition): Problem | undefined {
  switch (credential.source) {
    case 'oauth':
      if (credential.issuer === undefined && credential.tokenEndpoint === undefined)
        return whole('needs "issuer", or "tokenEndpoint" where the server publishes no metadata')
      return problemOfClient(credential)
    case 'mcp':
      if (!isLogin(credential.grant) && (credential.clientId ?? credential.clientMetadataUrl) === undefined)
        return whole('needs "clientId": only the login of a person can register a client')
      return problemOfClient(credential)
    case 'workload':
      return problemOfWorkload(credential)
    default:
      return undefined
  }
}

type Client = Extract<CredentialDefinition, { source: 'oauth' | 'mcp' }>

const whole = (message: string): Problem => ({ at: [], message })

function isLogin(grant: Client['grant']): boolean {
  return (
    grant === undefined ||
    grant === 'refresh_token' ||
    (typeof grant === 'object' && grant.type === 'refresh_token')
  )
}

function problemOfClient({ clientSecret, privateKey, clientAssertion, grant }: Client): Problem | undefined {
  const isPublic = clientSecret === undefined && privateKey === undefined && clientAssertion === undefined
  return grant === 'client_credentials' && isPublic
    ? whole('needs "clientSecret", "privateKey" or "clientAssertion" for client_credentials')
    : undefined
}

type WorkloadField = keyof WorkloadDefinition

const WORKLOADS: Readonly<
  Record<string, { readonly needs: readonly WorkloadField[]; readonly knows: readonly WorkloadField[] }>
> = {
  anthropic: {
    needs: ['federationRuleId', 'organizationId'],
    knows: ['serviceAccountId', 'workspaceId', 'baseURL'],
  },
  openai: { needs: ['identityProviderId', 'serviceAccountId'], knows: ['clientId', 'subjectTokenType'] },
  exchange: { needs: [], knows: ['subjectTokenType'] },
}
const OF_ALL: readonly WorkloadField[] = ['source', 'for', 'subjectToken', 'plainHttpEndpoints', 'store']

function problemOfWorkload(workload: WorkloadDefinition): Problem | undefined {
  const kind = typeof workload.for === 'string' ? workload.for : 'exchange'
  const { needs = [], knows = [] } = WORKLOADS[kind] ?? {}
  const missing = needs.find((field) => workload[field] === undefined)
  if (missing !== undefined) return whole(`needs "${missing}" for "${kind}"`)
  const known = new Set<string>([...OF_ALL, ...needs, ...knows])
  const other = Object.keys(workload).find((field) => !known.has(field))
  return other === undefined
    ? undefined
    : { at: [other], message: `is not known for "${kind}". Known are: ${[...needs, ...knows].join(', ')}` }
}
