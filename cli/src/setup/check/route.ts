import { once } from 'node:events'
import { connect } from 'node:net'
import { missingVersion, presets, type Preset, type PresetName } from '../../config/presets.ts'
import type { Config } from '../../config/read.ts'
import { messageOf } from '../../lib/fault.ts'
import { failureOf, proxiedFetch } from '../http.ts'
import { routeOf } from '../proxy.ts'
import { type Finding, good } from './finding.ts'

/** The longest wait for a response, in ms. */
const TIMEOUT = 5_000

/** Checks whether a server responds at a route's `to`. It asks once, without the credential, and accepts any response. */
export async function checkRoute(config: Config, name: string): Promise<Finding[]> {
  const about = `routes.${name}`
  const { preset, to } = routeOf(config, name)
  const known = preset === undefined ? undefined : presets[preset]
  const base = (to ?? known?.to ?? '').replace(/\/+$/, '')
  const { host } = new URL(base)
  const problem = await problemOf(base)
  const example =
    known === undefined || known.path === ''
      ? ''
      : `; ${known.path} goes to ${base}${missingVersion(known, base)}${known.path}`
  const found: Finding =
    problem === undefined
      ? good(about, 'upstream', `${host} responds${example}.`)
      : {
          about,
          code: 'upstream_unreachable',
          level: 'error',
          message: `${host} cannot be reached (${problem}).`,
          fix: `Check ${about}.${to === undefined ? 'preset' : 'to'}, the network and the proxy variables; behind a CA of your own, set NODE_EXTRA_CA_CERTS.`,
        }
  const other = preset === undefined ? undefined : vendorOf(host, preset)
  return other === undefined ? [found] : [found, misfit(about, preset ?? '', host, other)]
}

/** Why no response came; undefined if one came. */
async function problemOf(url: string): Promise<string | undefined> {
  const send = (await proxiedFetch()) ?? fetch
  try {
    const response = await send(url, { redirect: 'manual', signal: AbortSignal.timeout(TIMEOUT) })
    await response.body?.cancel()
    return undefined
  } catch (error) {
    const cause: unknown = Reflect.get(Object(error), 'cause')
    if (error instanceof Error && error.name === 'TimeoutError')
      return `no response within ${TIMEOUT / 1000} s`
    // A fetch refuses some ports that the proxy does not refuse.
    if (cause instanceof Error && cause.message === 'bad port') return problemOfPort(new URL(url))
    return failureOf(error, new URL(url))
  }
}

function codeOf(error: unknown): string {
  const code: unknown = Reflect.get(Object(error), 'code')
  return typeof code === 'string' ? code : messageOf(error)
}

/** Why no server listens on a port; undefined if one does. */
async function problemOfPort({ hostname, port }: URL): Promise<string | undefined> {
  const socket = connect({ host: hostname.replaceAll(/^\[|\]$/g, ''), port: Number(port), timeout: TIMEOUT })
  try {
    const late = once(socket, 'timeout').then(() => `no response within ${TIMEOUT / 1000} s`)
    return await Promise.race([once(socket, 'connect').then(() => undefined), late])
  } catch (error) {
    return codeOf(error)
  } finally {
    socket.destroy()
  }
}

/** The preset of another vendor that this host belongs to. Never for OpenAI's API, which many vendors serve beside their own. */
function vendorOf(host: string, preset: PresetName): string | undefined {
  if (preset === 'openai' || preset === 'openai-compatible') return undefined
  const hostOf = ({ to }: Preset): string | undefined => (to === undefined ? undefined : new URL(to).host)
  return Object.entries(presets).find(([name, each]) => name !== preset && hostOf(each) === host)?.[0]
}

function misfit(about: string, preset: string, host: string, other: string): Finding {
  return {
    about,
    code: 'preset_misfit',
    level: 'warning',
    message: `The clients of "${preset}" ask ${host} for what it does not serve.`,
    fix: `Set ${about}.preset to "${other}", or correct ${about}.to.`,
  }
}
