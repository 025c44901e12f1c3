import { spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import { expect, onTestFinished, test } from 'vitest'
import { fileStore } from '../../src/credentials/stores/file.ts'
import { startAuthorizationServer } from '../support/authorization-server.ts'
import { temporaryFolder } from '../support/folder.ts'
import { startRecordingServer } from '../support/recording-server.ts'
import { bundled } from './bundle.ts'

const program = await bundled('member')
const [PROCESSES, CALLERS, EXPIRIES] = [8, 50, 10]

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

test('8 processes of 50 callers, 10 expiries: 10 redemptions, no failed caller, no revoked family', async () => {
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
  await fileStore({ path }).update('default', async () => ({ accessToken, refreshToken }))
  const { issuer, client } = server
  const orders = {
    path,
    issuer,
    clientId: client.id,
    clientSecret: client.secret,
    api: api.origin,
    callers: CALLERS,
  }
  const members = Array.from({ length: PROCESSES }, () => startMember(orders))
  const round = (): Promise<Told[]> => Promise.all(members.map((member) => member.round()))
  await round()
  for (let expiry = 1; expiry <= EXPIRIES; expiry++) {
    server.expireAccessTokens()
    const told = await round()
    expect(told).toEqual(members.map(() => ({ served: CALLERS, failures: [] })))
    expect(login.redemptions()).toBe(expiry)
  }
  expect([login.refused(), login.revoked()]).toEqual([0, false])
}, 60_000)
