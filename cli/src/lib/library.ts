// What most commands use of the library, by name: a whole entry could not be made smaller when the command is built.
export { createCredential, memoryStore, RefreshError } from 'llm-refresh'
export { oauth } from 'llm-refresh/sources/oauth'
export { fileStore, inspectFileStore } from 'llm-refresh/stores/file'
