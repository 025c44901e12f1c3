import { CALLERS, type Outcome, type Place, withMcpStorms } from './mcp-storms.ts'
import type { Finding } from './rounds.ts'

const PROCESSES = 8
/** ms */
const LENGTH = 12_000
const STORES: readonly Place[] = ['files', 'Redis', 'PostgreSQL']

/** MCP clients while tokens of 3 s expire: with a store of ours, and with their own `authProvider`. The trial `mcp` runs all combinations. */
export async function mcp(): Promise<Finding[]> {
  const findings: Finding[] = []
  await withMcpStorms(async (storms) => {
    for (const [n, client] of storms.own.entries()) {
      const place = STORES[n % STORES.length] ?? 'files'
      const ours = await storms.run(client, PROCESSES, place, LENGTH)
      const own = await storms.run(client, PROCESSES, 'authProvider', LENGTH)
      const isBounded = ours.isKept && ours.requests <= ours.expiries
      findings.push({
        question: `${PROCESSES} × ${CALLERS} callers of \`${client}\` while tokens of 3 s expire, by ${place}`,
        figure: isBounded ? ours.failed : ours.failed + ours.served,
        unit: 'calls failed',
        ceiling: 0,
        note: `${told(ours)}; with the client’s own \`authProvider\` ${told(own)}`,
      })
    }
  })
  return findings
}

function told({ served, failed, requests, isKept }: Outcome): string {
  return `${served} served, ${failed} failed, ${requests} token requests, login ${isKept ? 'kept' : 'lost'}`
}
