import { CREDENTIAL_SITUATIONS } from './credential.ts'
import { MCP_SITUATIONS } from './mcp.ts'
import { optionSituations } from './options.ts'
import { SERVER_SITUATIONS } from './servers.ts'
import { produce, type Produced } from './situation.ts'

/** Brings every situation about, one after another. Some option has no value that is wrong: it leads to no message. */
export async function produceAll(): Promise<readonly Produced[]> {
  const all: Produced[] = []
  const own = [...CREDENTIAL_SITUATIONS, ...MCP_SITUATIONS]
  for (const situation of [...own, ...SERVER_SITUATIONS, ...(await optionSituations())]) {
    const produced = await produce(situation)
    if (produced !== undefined) all.push(produced)
    else if (own.includes(situation)) throw new Error(`${situation.when}: it led to no message`)
  }
  return all
}
