import type { StoredRecord } from 'llm-refresh'
import type { CredentialDefinition, OAuthDefinition } from '../../config/credentials.ts'
import type { Config } from '../../config/read.ts'
import { durationOf } from '../../lib/duration.ts'
import { definitionOf, isLoggedOut, loginCommand, openCredential } from '../credential.ts'
import { discover, type Discovered, discoveryFix } from '../discovery.ts'
import { refreshTokenFix } from '../scope.ts'
import { isPersons, packageOf } from '../source.ts'
import { inMemory, openStore } from '../store.ts'
import { type Finding, fixFor, good, problem } from './finding.ts'
import { issuerOf } from './mcp-server.ts'
import type { CheckedStore } from './store.ts'

/** The tolerated difference of clocks, in ms: half of what token lifetimes tolerate. */
const CLOCK_TOLERANCE = 30_000

/** Checks the server of a credential, and whether the credential gets a token. */
export async function checkCredential(
  config: Config,
  name: string,
  store: CheckedStore['state'],
): Promise<Finding[]> {
  const about = `credentials.${name}`
  const definition = definitionOf(config, name)
  const found = await ofServer(await serverOf(config, name, store), definition, about)
  // Without its store a login has no token. A service gets one without a store.
  if (store === 'locked' || (store === 'unusable' && isPersons(definition))) return found
  const ofTokens = await ofToken(config, name, about, store)
  // If the metadata cannot be read, leave out the token's failure: it has the same cause.
  const isKnown = found.some(({ code, level }) => code === 'discovery' && level === 'error')
  return [...found, ...ofTokens.filter(({ code }) => !isKnown || !SAME_AS_DISCOVERY.has(code))]
}

const SAME_AS_DISCOVERY: ReadonlySet<string> = new Set([
  'source_refused',
  'source_unreachable',
  'source_unavailable',
  'source_invalid',
])

async function ofToken(
  config: Config,
  name: string,
  about: string,
  state: CheckedStore['state'],
): Promise<Finding[]> {
  try {
    const opened = await openCredential(
      config,
      name,
      state === 'unusable' ? await inMemory(config, name) : undefined,
    )
    const { definition, credential, store } = opened
    try {
      const before = await store.store.read(name).catch(() => undefined)
      const { findings } = await credential.check()
      // Ignore this finding for a service: it gets another token by itself, whatever the record was made for.
      const telling = findings.filter(({ code }) => code !== 'made_for_another' || isPersons(definition))
      const found = telling.map((finding): Finding => {
        const { code, level, message } = finding
        const isLogin = LOGIN_MENDS.has(code) && (isPersons(definition) || isLoggedOut(before))
        const login = loginCommand(name)
        const lasting = code === 'no_refresh_token' && isPersons(definition)
        const mended = lasting ? refreshTokenFix(name, definition, login) : finding.fix
        const fix = isLogin ? `Run: ${login}` : mended
        const given = { name: 'RefreshError', code, message }
        return {
          code,
          level,
          message,
          about,
          fix:
            level === 'ok'
              ? undefined
              : (fix ??
                fixFor(
                  about,
                  Object.assign(new Error(message), given),
                  packageOf(definition),
                  definition.source === 'command',
                )),
        }
      })
      return found
    } finally {
      await opened.close()
    }
  } catch (error) {
    return [problem(about, error)]
  }
}

const LOGIN_MENDS: ReadonlySet<string> = new Set(['reauthentication_required', 'made_for_another'])

type Server = Parameters<typeof discover>[0] & Pick<OAuthDefinition, 'tokenEndpoint'>

/** The authorization server of a credential; undefined if it has none, or if only a login finds it. */
async function serverOf(
  config: Config,
  name: string,
  state: CheckedStore['state'],
): Promise<Server | undefined> {
  const definition = definitionOf(config, name)
  if (definition.source === 'oauth') return definition
  if (definition.source !== 'mcp') return undefined
  const record = state === 'good' ? await recordOf(config, name, definition) : undefined
  const issuer = await issuerOf(definition, record)
  return issuer === undefined ? undefined : { issuer }
}

async function recordOf(
  config: Config,
  name: string,
  { store = 'default' }: CredentialDefinition,
): Promise<StoredRecord | undefined> {
  const opened = await openStore(config, store)
  try {
    return await opened.store.read(name).catch(() => undefined)
  } finally {
    await opened.close()
  }
}

async function ofServer(
  server: Server | undefined,
  definition: CredentialDefinition,
  about: string,
): Promise<Finding[]> {
  if (server === undefined) return []
  const { issuer, tokenEndpoint } = server
  const discovered = await discover(server)
  const { clockAhead } = discovered
  const found: Finding[] = []
  if (discovered.problem !== undefined) {
    found.push({
      about,
      code: 'discovery',
      level: tokenEndpoint === undefined ? 'error' : 'warning',
      message: `${discovered.problem}.`,
      fix: discoveryFix(about, discovered, definition.source),
    })
  } else if (issuer !== undefined) {
    const { host } = new URL(issuer)
    const offer = isPersons(definition) ? `; it offers ${loginsOf(discovered)}` : ''
    found.push(good(about, 'discovery', `The metadata of ${host} were read${offer}.`))
  }
  if (clockAhead !== undefined && Math.abs(clockAhead) > CLOCK_TOLERANCE) {
    const how = clockAhead > 0 ? 'behind' : 'ahead of'
    found.push({
      about,
      code: 'clock',
      level: 'warning',
      message: `The clock of this machine is ${durationOf(clockAhead)} ${how} the server's.`,
      fix: 'Synchronise it (NTP): expiries and signed assertions are judged by it.',
    })
  }
  return found
}

function loginsOf({ hasBrowserLogin, hasDeviceLogin }: Discovered): string {
  const ways = [hasBrowserLogin && 'by browser', hasDeviceLogin && 'by code'].filter((way) => way !== false)
  return ways.length === 0 ? 'no login of a person' : `logins ${ways.join(' and ')}`
}
