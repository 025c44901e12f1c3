import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import type { Battery } from './trial.ts'

const MEMBER = fileURLToPath(new URL('aborts-member.mjs', import.meta.url))

/** The report on the last line of the process's output. */
interface Told {
  readonly calls: number
  readonly aborted: number
  /** Sockets that still had a request in progress when all calls were over. */
  readonly open: number
  /** ms that the process took to end by itself. */
  readonly lingered: number
  readonly faults: readonly string[]
  readonly count: number
}

/** Aborts calls of vendors' clients at every moment, on each Node that `.ci/run` has installed. */
export const aborts: Battery = async (tell) => {
  const cache = process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache')
  const installed = ['22', '24'].map((version) =>
    join(cache, 'llm-refresh-nodes/node_modules', `node${version}/bin/node`),
  )
  for (const node of [process.execPath, ...installed]) {
    if (!existsSync(node)) {
      tell({ what: node, figure: 'is not installed: run .ci/run', limit: 'it is', isMet: false })
      continue
    }
    const { stdout } = await promisify(execFile)(node, [MEMBER], { timeout: 240_000 })
    const { stdout: version } = await promisify(execFile)(node, ['--version'])
    const told: unknown = JSON.parse(stdout.trim().split('\n').at(-1) ?? '')
    const { calls, aborted, open, lingered, faults, count } = told as Told
    tell({
      what: `Node ${version.trim()}, OpenAI, Anthropic, AI SDK and MCP clients, ${calls} calls, ${aborted} aborted at 14 moments`,
      figure: `${count} hung calls, unhandled rejections and exceptions; ${open} sockets left; ended ${lingered} ms after the last${faults.map((fault) => `; ${fault}`).join('')}`,
      limit: '0, 0, 1,000 ms',
      isMet: count === 0 && open === 0 && lingered < 1_000,
    })
  }
}
