import { onTestFinished } from 'vitest'
import { sealedStore, type SealingKey } from '../../src/stores/sealed/index.ts'
import {
  type AuthorizationServer,
  type Login,
  startAuthorizationServer,
} from '../support/authorization-server.ts'
import type { Ends } from '../support/ends.ts'
import { Gate } from '../support/gate.ts'
import { startRecordingServer } from '../support/recording-server.ts'
import { type Member, newFleet, startMember } from './members.ts'
import type { Orders, Told } from './part.ts'
import type { Place } from './place.ts'
import { opened } from './places.ts'

/** Processes that share one account, and the servers that they talk to. */
export interface Fleet {
  readonly server: AuthorizationServer
  /** Requests for tokens: when they arrive, and when they are about to be answered. */
  readonly arriving: Gate
  readonly leaving: Gate
  /** Where tokens are accepted. */
  readonly api: string
  readonly login: Login
  readonly members: readonly Member[]
  /** All callers of all members at once. */
  round(): Promise<Told[]>
  /** The next redemption waits until it is let on. */
  hold(): { readonly asked: Promise<void>; readonly letOn: () => void }
}

const portOf = (origin: string): number => Number(new URL(origin).port)

export const asToken = ({
  accessToken,
  refreshToken,
}: Login): { accessToken: string; refreshToken: string } => ({
  accessToken,
  refreshToken,
})

/** Where the servers are on this machine's loopback. */
export interface ServerPorts {
  readonly auth: number
  readonly api: number
}

interface Size {
  readonly processes: number
  readonly callers: number
  /** The keys with which a process seals the store, where it does. */
  readonly keysOf?: (member: number) => SealingKey[] | undefined
  /** What a process is started by, such as `['ip', 'netns', 'exec', 'a']`. */
  readonly byOf?: (member: number) => string[]
  /** How the processes reach the servers, where that is not on this machine's loopback. */
  readonly waysTo?: (ports: ServerPorts) => Promise<Orders['ways']>
  /** What is different for the processes. */
  readonly orders?: Partial<Orders>
  /** Default: with the test. */
  readonly ends?: Ends
}

export async function startFleet(
  place: Place,
  {
    processes,
    callers,
    keysOf = () => undefined,
    byOf = () => [],
    waysTo,
    orders: own,
    ends = onTestFinished,
  }: Size,
): Promise<Fleet> {
  const [arriving, leaving] = [new Gate(), new Gate()]
  const server = await startAuthorizationServer({
    beforeToken: () => arriving.pass(),
    afterToken: () => leaving.pass(),
  })
  const api = await startRecordingServer(async ({ headers }, response) => {
    const isActive = await server.isActive(headers.authorization?.replace('Bearer ', '') ?? '')
    response.writeHead(isActive ? 200 : 401).end()
  })
  ends(async () => {
    await Promise.all([server.close(), api.close()])
  })
  const login = await server.login()
  const [store, keys] = [await opened(place, { lease: 10_000 }, ends), keysOf(0)]
  await (keys ? sealedStore(store, keys) : store).update('default', async () => ({ token: asToken(login) }))
  const { issuer, client } = server
  const ways = await waysTo?.({ auth: portOf(issuer), api: portOf(api.origin) })
  const orders = { place, issuer, clientId: client.id, clientSecret: client.secret, api: api.origin, callers }
  const fleet = newFleet()
  const members = await Promise.all(
    Array.from({ length: processes }, (_, n) =>
      startMember(fleet, { n, by: byOf(n) }, { ...orders, keys: keysOf(n), ways, ...own }, ends),
    ),
  )
  return {
    server,
    arriving,
    leaving,
    api: api.origin,
    login,
    members,
    round: () => Promise.all(members.map((member) => member.tell({ do: 'round' }))),
    hold: () => {
      arriving.hold(1)
      return { asked: arriving.holding(1), letOn: () => arriving.release() }
    },
  }
}
