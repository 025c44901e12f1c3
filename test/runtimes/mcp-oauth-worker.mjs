// An MCP server and its authorization server in one Worker, as Cloudflare's users build them. This is plain JavaScript, because the package's
// types need the types of Workers.
import { OAuthProvider } from '@cloudflare/workers-oauth-provider'

const api = { fetch: async () => Response.json({ said: 'hello' }) }

const site = {
  async fetch(request, env) {
    const { pathname, searchParams } = new URL(request.url)
    if (pathname === '/authorize') {
      // Here the person would log in and agree.
      const asked = await env.OAUTH_PROVIDER.parseAuthRequest(request)
      const consent = { request: asked, userId: 'alice', metadata: {}, scope: asked.scope, props: {} }
      const { redirectTo } = await env.OAUTH_PROVIDER.completeAuthorization(consent)
      return Response.redirect(redirectTo, 302)
    }
    if (pathname === '/end-tokens') {
      const { keys } = await env.OAUTH_KV.list({ prefix: 'token:' })
      await Promise.all(keys.map(({ name }) => env.OAUTH_KV.delete(name)))
      return Response.json({ ended: keys.length })
    }
    if (pathname === '/forget-client') {
      await env.OAUTH_PROVIDER.deleteClient(searchParams.get('id'))
      return Response.json({})
    }
    return new Response('There is no such page.', { status: 404 })
  },
}

let provider

const worker = {
  fetch(request, env, context) {
    // The Worker learns its port from the first request.
    const { origin } = new URL(request.url)
    provider ??= new OAuthProvider({
      apiRoute: '/mcp',
      apiHandler: api,
      defaultHandler: site,
      authorizeEndpoint: '/authorize',
      tokenEndpoint: '/token',
      clientRegistrationEndpoint: '/register',
      onError: () => undefined,
      scopesSupported: ['read', 'offline_access'],
      resourceMetadata: { resource: `${origin}/mcp`, authorization_servers: [origin] },
    })
    return provider.fetch(request, env, context)
  },
}

// oxlint-disable-next-line import/no-default-export
export { worker as default }
