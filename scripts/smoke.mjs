// Makes one refresh with the built package. It needs only Node, of any version: node scripts/smoke.mjs
import assert from 'node:assert/strict'
import { modelCapabilities } from 'llm-refresh/models'
import { BaseProvider, RefreshingProvider } from 'llm-refresh/provider'

class Vendor extends BaseProvider {
  provider = 'anthropic'
  model = 'claude-sonnet-4-5'
  attempts = 0

  constructor(token) {
    super()
    this.token = token
  }

  async chat() {
    this.attempts += 1
    if (this.token !== 'fresh') return { type: 'invalid_request', message: 'token has expired', status: 401 }
    const usage = { inputTokens: 1, outputTokens: 1, cachedInputTokens: 0, cacheCreationInputTokens: 0 }
    const content = [{ type: 'text', text: 'hello' }]
    return {
      type: 'success',
      response: { id: '1', content, model: this.model, stopReason: 'end_turn', usage },
    }
  }

  capabilities() {
    return modelCapabilities(this.provider, this.model)
  }
}

async function streamed(provider) {
  let text = ''
  for await (const delta of provider.chatStream({ system: '', messages: [] })) {
    if (delta.type === 'text_delta') text += delta.delta
  }
  return text
}

const stale = new Vendor('stale')
const fresh = new Vendor('fresh')
let refreshes = 0
const provider = new RefreshingProvider(stale, async () => {
  refreshes += 1
  return fresh
})

assert.deepEqual(await Promise.all([streamed(provider), streamed(provider)]), ['hello', 'hello'])
const outcome = await provider.chat({ system: '', messages: [{ role: 'user', content: 'hi' }] })
assert.equal(outcome.type, 'success')
assert.equal(refreshes, 1)
assert.equal(provider.capabilities()?.contextWindow, 200_000)
console.log(`smoke: one refresh for three calls on Node ${process.versions.node}`)
