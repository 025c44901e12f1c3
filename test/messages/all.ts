import { CONFIGURATION_SITUATIONS } from './configuration.ts'
import { CREDENTIAL_SITUATIONS } from './credential.ts'
import { MCP_TOKEN_SITUATIONS } from './mcp-tokens.ts'
import { MCP_SITUATIONS } from './mcp.ts'
import { MODEL_SITUATIONS } from './models.ts'
import { optionSituations } from './options.ts'
import { RENEWAL_SITUATIONS } from './renewals.ts'
import { SERVER_STORE_SITUATIONS } from './servers-stores.ts'
import { SERVER_SITUATIONS } from './servers.ts'
import { produce, type Produced, type Situation } from './situation.ts'
import { SOURCE_SITUATIONS } from './sources.ts'
import { STORE_SITUATIONS } from './stores.ts'
import { SURFACE_SITUATIONS } from './surfaces.ts'

/** Each of these leads to a message, and to one of its own: else it is not what its name says. */
const OWN: readonly Situation[] = [
  ...CONFIGURATION_SITUATIONS,
  ...CREDENTIAL_SITUATIONS,
  ...SOURCE_SITUATIONS,
  ...MCP_SITUATIONS,
  ...MCP_TOKEN_SITUATIONS,
  ...STORE_SITUATIONS,
  ...SERVER_STORE_SITUATIONS,
  ...RENEWAL_SITUATIONS,
  ...SURFACE_SITUATIONS,
  ...MODEL_SITUATIONS,
]

/** Brings every situation about, one after another. Some option has no value that is wrong: it leads to no message. */
export async function produceAll(): Promise<readonly Produced[]> {
  const own = new Map<string, Produced>()
  for (const situation of OWN) {
    const produced = await produce(situation)
    if (produced === undefined) throw new Error(`${situation.when}: it led to no message`)
    const other = own.get(produced.message)
    if (other !== undefined)
      throw new Error(`${situation.when}, and ${other.when}, lead to: ${produced.message}`)
    own.set(produced.message, produced)
  }
  const all = [...own.values()]
  for (const situation of [...SERVER_SITUATIONS, ...(await optionSituations())]) {
    const produced = await produce(situation)
    if (produced !== undefined) all.push(produced)
  }
  return all
}
