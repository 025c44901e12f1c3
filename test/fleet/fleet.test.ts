import { spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { createInterface } from 'node:readline'
import { expect, onTestFinished, test } from 'vitest'
import { fileStore } from '../../src/credentials/stores/file.ts'
import { sealed, type SealingKey } from '../../src/credentials/stores/sealed.ts'
import { type Login, startAuthorizationServer } from '../support/authorization-server.ts'
import { temporaryFolder } from '../support/folder.ts'
import { startRecordingServer } from '../support/recording-server.ts'
import { bundled } from './bundle.ts'

const program = await bundled('member')
const [PROCESSES, CALLERS] = [8, 50]
const newKey = (id: string): SealingKey => ({ id, secret: randomBytes(32).toString('base64') })
const [older, newer] = [newKey('2025-11'), newKey('2026-11')]

interface Told {
  readonly served: number
  readonly failures: readonly string[]
}

/** A process of the fleet: each round, all its callers call at once. */
function startMember(orders: object): { round: () => Promise<Told> } {
  const child = spawn(process.execPath, [program, JSON.stringify(orders)], {
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  onTestFinished(() => void child.kill('SIGKILL'))
  const lines = createInterface(child.stdout)[Symbol.asyncIterator]()
  const round = async (): Promise<Told> => {
    child.stdin.write('round\n')
    const { value } = await lines.next()
    return JSON.parse(String(value)) as Told
  }
  return { round }
}

interface Fleet {
  /** Lets the access token expire so often, each of which is one redemption. What the processes told of each. */
  readonly expire: (times: number) => Promise<Told[][]>
  readonly login: Login
}

/** @param keysOf the keys with which a process seals the store, where it does */
async function startFleet(keysOf: (member: number) => SealingKey[] | undefined): Promise<Fleet> {
  const server = await startAuthorizationServer()
  const api = await startRecordingServer(async ({ headers }, response) => {
    const isActive = await server.isActive(headers.authorization?.replace('Bearer ', '') ?? '')
    response.writeHead(isActive ? 200 : 401).end()
  })
  onTestFinished(async () => {
    await Promise.all([server.close(), api.close()])
  })
  const login = await server.login()
  const path = await temporaryFolder()
  const { accessToken, refreshToken } = login
  const [files, keys] = [fileStore({ path }), keysOf(0)]
  await (keys ? sealed(files, keys) : files).update('default', async () => ({ accessToken, refreshToken }))
  const { issuer, client } = server
  const orders = {
    path,
    issuer,
    clientId: client.id,
    clientSecret: client.secret,
    api: api.origin,
    callers: CALLERS,
  }
  const members = Array.from({ length: PROCESSES }, (_, n) => startMember({ ...orders, keys: keysOf(n) }))
  const round = (): Promise<Told[]> => Promise.all(members.map((member) => member.round()))
  await round()
  const expire = async (times: number): Promise<Told[][]> => {
    const told: Told[][] = []
    for (let expiry = 1; expiry <= times; expiry++) {
      server.expireAccessTokens()
      told.push(await round())
      expect(login.redemptions()).toBe(expiry)
    }
    return told
  }
  return { expire, login }
}

const allServed = Array.from({ length: PROCESSES }, () => ({ served: CALLERS, failures: [] }))

test('8 processes of 50 callers, 10 expiries: 10 redemptions, no failed caller, no revoked family', async () => {
  const { expire, login } = await startFleet(() => undefined)
  expect(await expire(10)).toEqual(Array.from({ length: 10 }, () => allServed))
  expect([login.refused(), login.revoked()]).toEqual([0, false])
}, 60_000)

test('[S8] a deployment that rotates the key of a sealed store: processes with either key in front share an account', async () => {
  const { expire, login } = await startFleet((n) => (n % 2 === 0 ? [older, newer] : [newer, older]))
  expect(await expire(5)).toEqual(Array.from({ length: 5 }, () => allServed))
  expect([login.refused(), login.revoked()]).toEqual([0, false])
}, 60_000)
