// A web host in a Worker whose users log in at an MCP server: see docs/mcp.md.
import { createCredential, memoryStore, refreshingFetch } from '../../src/index.ts'
import { mcp, mcpLogin } from '../../src/sources/mcp/index.ts'

const store = memoryStore()

const worker = {
  async fetch(request: Request, { SERVER: server }: { readonly SERVER: string }): Promise<Response> {
    const { pathname } = new URL(request.url)
    const login = mcpLogin(server, { store, redirectUri: 'https://app.example.com/callback' })
    const credential = createCredential({ source: mcp(server, { store }), store, key: 'me' })
    try {
      if (pathname === '/begin') return Response.json(await login.begin())
      if (pathname === '/callback') {
        const binding = request.headers.get('x-binding') ?? ''
        await credential.login(await login.finish(request.url, { binding }))
        return Response.json({})
      }
      const send = refreshingFetch(credential, { origins: new URL(server).origin })
      // Send no body: workerd loses a connection if a server refuses a body without reading it.
      const said = await (await send(server)).text()
      return Response.json({ said, refreshToken: (await store.read('me'))?.token?.refreshToken })
    } catch (error) {
      return Response.json({ error: String(error), code: Reflect.get(Object(error), 'code') })
    }
  },
}

// oxlint-disable-next-line import/no-default-export
export { worker as default }
