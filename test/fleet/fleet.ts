import { spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import { onTestFinished } from 'vitest'
import { sealed, type SealingKey } from '../../src/credentials/stores/sealed.ts'
import {
  type AuthorizationServer,
  type Login,
  startAuthorizationServer,
} from '../support/authorization-server.ts'
import { startRecordingServer } from '../support/recording-server.ts'
import type { Order, Told } from './member.ts'
import type { Place } from './place.ts'
import { opened } from './places.ts'

/** Processes that share one account, and the servers that they talk to. */
export interface Fleet {
  readonly server: AuthorizationServer
  readonly login: Login
  readonly members: readonly Member[]
  /** All callers of all members at once. */
  round(): Promise<Told[]>
  /** The next redemption waits until it is let on. */
  hold(): { readonly asked: Promise<void>; readonly letOn: () => void }
}

export interface Member {
  tell(order: Order): Promise<Told>
}

export const asToken = ({
  accessToken,
  refreshToken,
}: Login): { accessToken: string; refreshToken: string } => ({
  accessToken,
  refreshToken,
})

interface Size {
  readonly processes: number
  readonly callers: number
  /** The keys with which a process seals the store, where it does. */
  readonly keysOf?: (member: number) => SealingKey[] | undefined
}

/** @param program the path of the member's program */
export async function startFleet(
  program: string,
  place: Place,
  { processes, callers, keysOf = () => undefined }: Size,
): Promise<Fleet> {
  let held: { asked: () => void; on: Promise<void> } | undefined
  const server = await startAuthorizationServer({
    beforeToken: async () => {
      held?.asked()
      await held?.on
    },
  })
  const api = await startRecordingServer(async ({ headers }, response) => {
    const isActive = await server.isActive(headers.authorization?.replace('Bearer ', '') ?? '')
    response.writeHead(isActive ? 200 : 401).end()
  })
  onTestFinished(async () => {
    await Promise.all([server.close(), api.close()])
  })
  const login = await server.login()
  const [store, keys] = [await opened(place), keysOf(0)]
  await (keys ? sealed(store, keys) : store).update('default', async () => asToken(login))
  const { issuer, client } = server
  const orders = { place, issuer, clientId: client.id, clientSecret: client.secret, api: api.origin, callers }
  const members = Array.from({ length: processes }, (_, n) =>
    startMember(program, { ...orders, keys: keysOf(n) }),
  )
  return {
    server,
    login,
    members,
    round: () => Promise.all(members.map((member) => member.tell({ do: 'round' }))),
    hold: () => {
      let [asked, letOn] = [(): void => undefined, (): void => undefined]
      const isAsked = new Promise<void>((resolve) => (asked = resolve))
      held = { asked, on: new Promise<void>((resolve) => (letOn = resolve)) }
      return {
        asked: isAsked,
        letOn: () => {
          held = undefined
          letOn()
        },
      }
    },
  }
}

function startMember(program: string, orders: object): Member {
  const child = spawn(process.execPath, [program, JSON.stringify(orders)], {
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  onTestFinished(() => void child.kill('SIGKILL'))
  const lines = createInterface(child.stdout)[Symbol.asyncIterator]()
  return {
    tell: async (order) => {
      child.stdin.write(`${JSON.stringify(order)}\n`)
      const { value } = await lines.next()
      return JSON.parse(String(value)) as Told
    },
  }
}
