/** A process of a fleet. At each message all its callers call at once. When the last caller is served, the process tells its parent. */
import { once } from 'node:events'
import { type AccessToken, createCredential, refreshingFetch } from 'llm-refresh'
import { openStore, type StorePlace } from './stores-place.ts'

const { origin, callers, place } = JSON.parse(process.argv[2] ?? '') as {
  origin: string
  callers: number
  place: StorePlace
}
const { store } = await openStore(place)
const issue = place.kind === 'none' ? fromParent : fromServer
const token = createCredential({ source: { issue }, store })
const through = refreshingFetch(token, { origins: origin })

async function call(): Promise<void> {
  const response = await through(`${origin}/api`)
  await response.arrayBuffer()
  if (response.status !== 200) throw new Error(`HTTP ${response.status}`)
}

/** The cheapest way to share a refresh: the parent process refreshes once, and sends the token to all. */
async function fromParent(): Promise<AccessToken> {
  const told = once(process, 'message')
  process.send?.('refresh')
  const [accessToken] = (await told) as [string]
  return { accessToken }
}

async function fromServer(): Promise<AccessToken> {
  const response = await fetch(`${origin}/token`)
  return { accessToken: await response.text(), refreshToken: 'a' }
}

process.on('message', (message) => {
  if (message !== 'round') return
  void Promise.all(Array.from({ length: callers }, call)).then(() => process.send?.('served'))
})
process.on('disconnect', () => process.exit())
process.send?.('ready')
