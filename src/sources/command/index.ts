import { basename } from 'node:path'
import type { Source } from '../../credential/source.ts'
import { readOutput } from '../shared/token-text.ts'
import { boundAs, programOf } from './bound.ts'
import { type CommandOptions, readCommandOptions } from './options.ts'
import { run } from './run.ts'

/**
 * Tokens from a command: a key helper, a cloud's CLI, kubectl's exec plugins. It is run whenever a token is needed, once for
 * all who wait, without a shell, with nothing on stdin.
 *
 * It prints a bare token on one line, or JSON with an `access_token`, `accessToken` or `token`, and its expiry where it is
 * known: as `gcloud`, `az`, `databricks auth token` and OAuth token endpoints say it, under `status` in a Kubernetes
 * `ExecCredential`, or as `expires_at` (a date, epoch seconds or epoch ms). A JWT's own expiry counts otherwise.
 *
 * A stored token of another program, or of one with other arguments, is not used (see `identity`).
 *
 * `issue` throws a RefreshError: `source_refused` (it exited with another code than 0, or was killed), `source_unreachable`
 * (it did not end in time), `source_invalid` (what it printed holds no token), `source_unavailable` (no resources to start
 * it), `invalid_option` (there is no such executable). None shows arguments, variables or output.
 *
 * @throws RefreshError `invalid_option`
 * @example
 * const credential = createCredential({ source: command({ file: 'az', args: ['account', 'get-access-token', '--scope', scope] }) })
 */
export function command(options: CommandOptions): Source {
  const settings = readCommandOptions(options)
  const { file, parse, clock } = settings
  return {
    isLocal: true,
    madeFor: { issuer: programOf(file) },
    boundAs: (stored) => boundAs(settings, stored),
    issue: async (context) => {
      const printed = await run(settings, context)
      return readOutput(printed, { of: `What ${basename(file)} printed`, since: clock.now(), parse })
    },
  }
}

export type { ParseOutput } from '../shared/token-text.ts'
export type { CommandOptions }
