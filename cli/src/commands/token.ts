import { readConfig } from '../config/read.ts'
import { readDuration } from '../lib/duration.ts'
import { wrongInput } from '../lib/fault.ts'
import { print } from '../lib/output.ts'
import { chooseCredential, explained, openCredential } from '../setup/credential.ts'

export interface TokenOptions {
  readonly config?: string
  readonly format?: string
  readonly minTtl?: string
}

/** Prints a token that is good now, and nothing else. It asks no person anything. */
export async function token(given: string | undefined, options: TokenOptions): Promise<void> {
  const { format = 'raw' } = options
  if (!['raw', 'json', 'headers'].includes(format)) {
    throw wrongInput(`--format must be raw, json or headers, not ${JSON.stringify(format)}.`)
  }
  const minTtl = options.minTtl === undefined ? 0 : readDuration('--min-ttl', options.minTtl)
  const config = await readConfig(options.config)
  const name = chooseCredential(config, given)
  const opened = await openCredential(config, name)
  let printed: string
  try {
    const accessToken = await opened.credential.accessToken({ minTtl })
    printed = rendered(format, accessToken, opened.credential.peek()?.expiresAt)
  } catch (error) {
    throw await explained(error, opened)
  } finally {
    await opened.close()
  }
  await print(printed)
}

function rendered(format: string, accessToken: string, expiresAt: number | undefined): string {
  switch (format) {
    case 'json':
      return JSON.stringify({
        access_token: accessToken,
        token_type: 'Bearer',
        ...(expiresAt !== undefined && { expires_at: new Date(expiresAt).toISOString() }),
      })
    case 'headers':
      return JSON.stringify({ Authorization: `Bearer ${accessToken}` })
    default:
      return accessToken
  }
}
