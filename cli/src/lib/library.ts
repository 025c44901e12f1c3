// The members of the library that most commands use. With single names the build can leave out the rest of the entry.
export { createCredential, memoryStore, RefreshError } from 'llm-refresh'
export { oauth } from 'llm-refresh/sources/oauth'
export { fileStore, inspectFileStore } from 'llm-refresh/stores/file'
