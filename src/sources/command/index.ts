import { basename } from 'node:path'
import type { Source } from '../../credential/source.ts'
import { readOutput } from '../shared/token-text.ts'
import { boundAs, programOf } from './bound.ts'
import { type CommandOptions, readCommandOptions } from './options.ts'
import { run } from './run.ts'

/**
 * Tokens from a command: a key helper, a cloud's CLI, kubectl's exec plugins. The source runs the command each time that a token is needed,
 * once for all waiting callers, without a shell and with an empty stdin.
 *
 * The command prints a bare token on one line, or JSON with an `access_token`, `accessToken` or `token`. The JSON may state the expiry: as
 * `gcloud`, `az`, `databricks auth token` and OAuth token endpoints state it, under `status` in a Kubernetes `ExecCredential`, or as
 * `expires_at` (a date, epoch seconds or epoch ms). If the output states no expiry and the token is a JWT, the JWT's `exp` counts.
 *
 * The source does not use a stored token of another program, or of the same program with other arguments (see `identity`).
 *
 * `issue` throws a RefreshError: `source_refused` (the command exited with a code other than 0, or a signal killed it),
 * `source_unreachable` (it did not end in time), `source_invalid` (its output holds no token), `source_unavailable` (the machine lacks the
 * resources to start it), `invalid_option` (there is no such executable). No message shows arguments, variables or output.
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
