import type { StoredRecord } from 'llm-refresh'
import type { CredentialDefinition } from '../config/credentials.ts'

/** True if the record names another client or another kind of source than the configuration. The next use then ignores its token. */
export function isForeign(definition: CredentialDefinition, { madeFor = {} }: StoredRecord): boolean {
  const { issuer = '', client } = madeFor
  switch (definition.source) {
    // Their tokens are never stored.
    case 'env':
    case 'file':
      return true
    case 'oauth':
    case 'mcp': {
      const { clientId } = definition
      const isLocal = issuer !== '' && !issuer.includes('://')
      return isLocal || (client !== undefined && clientId !== undefined && client !== clientId)
    }
    default:
      return definition.source !== 'workload' && issuer.includes('://')
  }
}
