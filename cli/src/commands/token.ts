import { locate } from '../config/locate.ts'
import { readConfig } from '../config/read.ts'
import { durationOf, readDuration } from '../lib/duration.ts'
import { wrongInput } from '../lib/fault.ts'
import { lineOf, print, say } from '../lib/output.ts'
import { look, remember } from '../recall/remember.ts'
import { rendered } from '../recall/rendered.ts'
import {
  checkCommand,
  chooseCredential,
  explained,
  loginCommand,
  type OpenCredential,
  openCredential,
} from '../setup/credential.ts'
import { isPersons } from '../setup/source.ts'

export interface TokenOptions {
  readonly config?: string
  readonly format?: string
  readonly minTtl?: string
}

/** Prints a valid token, and nothing else. It asks no question. */
export async function token(given: string | undefined, options: TokenOptions): Promise<void> {
  const { format = 'raw' } = options
  if (!['raw', 'json', 'headers'].includes(format)) {
    throw wrongInput(`--format must be raw, json or headers, not ${JSON.stringify(format)}.`)
  }
  const minTtl = options.minTtl === undefined ? 0 : readDuration('--min-ttl', options.minTtl)
  const seen = look(locate(options.config).path)
  const config = await readConfig(options.config)
  const name = chooseCredential(config, given)
  const opened = await openCredential(config, name)
  const { credential } = opened
  let accessToken: string
  try {
    accessToken = await credential.accessToken({ minTtl })
    warnOfShort(opened, minTtl)
  } catch (error) {
    throw await explained(error, opened)
  } finally {
    await opened.close()
  }
  const expiresAt = credential.peek()?.expiresAt
  await print(rendered(format, accessToken, expiresAt))
  const folder = isLasting(opened) ? opened.store.folderOf?.(name) : undefined
  if (folder !== undefined)
    remember({ config: config.path, seen, name: given ?? '', folder, accessToken, expiresAt })
}

/** True if only the configuration and the record decide about the token. Other sources also read files, variables and programs. */
function isLasting({ definition: { source }, credential }: OpenCredential): boolean {
  return ['oauth', 'mcp', 'workload'].includes(source) && credential.status().failure === undefined
}

/** Warns a person if a failed refresh leaves a token that is valid for less than `--min-ttl`. The token is printed all the same. */
function warnOfShort({ name, definition, credential }: OpenCredential, minTtl: number): void {
  const { expiresAt = Infinity, failure } = credential.status()
  const left = expiresAt - Date.now()
  if (failure === undefined || left >= minTtl) return
  const isEnded = failure.code === 'reauthentication_required' && isPersons(definition)
  say(
    lineOf({
      message: `credentials.${name}: the token lives for ${durationOf(left)}, less than --min-ttl, for it could not be refreshed: ${failure.message}`,
      fix: `Run: ${isEnded ? loginCommand(name) : checkCommand(name)}`,
    }),
  )
}
