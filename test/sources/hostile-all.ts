import { CONFIGURATION } from './hostile-config.ts'
import { MCP_READERS } from './hostile-mcp.ts'
import { PROXY_REQUESTS } from './hostile-proxy.ts'
import type { Reader } from './hostile-reader.ts'
import { SOURCE_READERS } from './hostile-readers.ts'

/** All readers, except the one of callbacks, which needs a listening server. */
export const READERS: readonly Reader[] = [...SOURCE_READERS, ...MCP_READERS, CONFIGURATION, PROXY_REQUESTS]
