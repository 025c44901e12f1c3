export {
  startTestServers,
  type TestCounts,
  type TestRequest,
  type TestServers,
  type TestServersOptions,
} from './servers/index.ts'
export type { TestAnswer } from './servers/llm.ts'
export { type ContractCase, storeContract } from './store-contract.ts'
export { testCredential, type TestCredential, type TestCredentialOptions } from './test-credential.ts'
