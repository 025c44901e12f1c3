import { mkdtemp, rm } from 'node:fs/promises'
import { createServer, type IncomingMessage } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createCredential, refreshingFetch } from 'llm-refresh'
import { mcp } from 'llm-refresh/sources/mcp'
import { fileStore } from 'llm-refresh/stores/file'
import { expect, onTestFinished, test } from 'vitest'
import { mcp as client } from '../clients/mcp.ts'
import { startMcpServer } from './mcp-server.ts'

/** An authorization server whose refresh tokens are good for once: the second use of one ends the login. */
async function startRotating() {
  let [family, isRevoked, redemptions] = [1, false, 0]
  const requests: URLSearchParams[] = []
  const tokenOf = (sent: URLSearchParams): [status: number, body: object] => {
    requests.push(sent)
    if (sent.get('refresh_token') !== `refresh-${family}`) isRevoked = true
    if (isRevoked) return [400, { error: 'invalid_grant' }]
    redemptions++
    family++
    const tokens = { access_token: `access-${family}`, refresh_token: `refresh-${family}` }
    return [200, { ...tokens, token_type: 'Bearer', expires_in: 3600 }]
  }
  const server = createServer(async (request, response) => {
    const issuer = `http://${request.headers.host}`
    const [status, body] =
      request.url === '/token'
        ? tokenOf(new URLSearchParams(await textOf(request)))
        : [200, { issuer, token_endpoint: `${issuer}/token` }]
    response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => {
    server.close()
    server.closeAllConnections()
  })
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('The server has no port.')
  let expired = 0
  return {
    issuer: `http://127.0.0.1:${address.port}`,
    requests,
    redemptions: () => redemptions,
    isRevoked: () => isRevoked,
    /** The access token in force ends now. */
    expire: () => {
      expired = family
    },
    accepts: async (token: string) => !isRevoked && Number(token.replace('access-', '')) > expired,
  }
}

async function textOf(request: IncomingMessage): Promise<string> {
  let text = ''
  for await (const chunk of request) text += String(chunk)
  return text
}

test('[A8] given 3 credentials over one folder, each with 5 clients of SDK 1, when tokens expire in the midst of calls, then no call fails, and each expiry costs one redemption', async () => {
  const authorization = await startRotating()
  const server = await startMcpServer(authorization.accepts, 'hello', authorization.issuer)
  onTestFinished(() => server.close())
  const path = await mkdtemp(join(tmpdir(), 'mcp-storm-'))
  onTestFinished(() => rm(path, { recursive: true, force: true }))
  const credentials = Array.from({ length: 3 }, () => {
    // A store of its own, as in a process of its own: nothing is shared but the folder.
    const store = fileStore({ path })
    const source = mcp(server.url, { clientId: 'app', store })
    return createCredential({ source, store, key: 'me' })
  })
  await credentials[0]?.login({ accessToken: 'access-1', refreshToken: 'refresh-1' })
  const { origin: origins } = new URL(server.url)
  const sessions = await Promise.all(
    credentials.flatMap((credential) => {
      const fetch = refreshingFetch(credential, { origins })
      const token = credential.map(({ accessToken }) => accessToken)
      const place = { fetch, token, options: { origins }, url: server.url, mcpUrl: server.url }
      return Array.from({ length: 5 }, () => client.build(place))
    }),
  )
  onTestFinished(async () => void (await Promise.all(sessions.map((session) => session.close?.()))))
  const call = (): Promise<unknown[]> => Promise.all(sessions.map(({ calls }) => calls['callTool']?.()))

  expect(new Set(await call())).toEqual(new Set(['hello']))
  for (let expiry = 1; expiry <= 4; expiry++) {
    authorization.expire()
    const [one, other] = await Promise.all([call(), call()])
    expect(new Set([...one, ...other])).toEqual(new Set(['hello']))
    expect(authorization.redemptions()).toBe(expiry)
  }
  expect(authorization.isRevoked()).toBe(false)
  expect(authorization.requests.map((sent) => sent.get('resource'))).toEqual(
    Array.from({ length: 4 }, () => server.url),
  )
}, 60_000)
