import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { promisify } from 'node:util'
import { createCredential } from 'llm-refresh'
import { createProxy, createProxyKey } from 'llm-refresh/proxy'
import { startTestServers } from 'llm-refresh/testing'
import { SHORT } from './script.ts'
import { styled } from './styled.ts'

const EXPIRIES = 3

/** All that a tool knows: where the proxy is, and a key that opens nothing else. */
interface Known {
  readonly url: string
  readonly key: string
}

/** Asks the model once for each line of its input, with nothing but Python's standard library. */
const PYTHON = `
import json, os, sys, urllib.request
for line in sys.stdin:
    body = json.dumps({'model': 'demo', 'messages': [{'role': 'user', 'content': line}]}).encode()
    headers = {'authorization': 'Bearer ' + os.environ['OPENAI_API_KEY'], 'content-type': 'application/json'}
    request = urllib.request.Request(os.environ['OPENAI_BASE_URL'] + '/chat/completions', body, headers)
    try:
        answer = json.load(urllib.request.urlopen(request))['choices'][0]['message']['content']
    except Exception as error:
        answer = str(error)
    print(answer, flush=True)
`

/**
 * A Python script and curl talk through a proxy, while their token expires again and again.
 *
 * @returns whether each of their calls was answered, after one refresh for each expiry
 */
export async function showTools(out: NodeJS.WritableStream): Promise<boolean> {
  const servers = await startTestServers({ answer: SHORT.answer })
  const { key, entry } = createProxyKey({ name: 'demo', preset: 'openai' })
  const credential = createCredential({ source: servers.source })
  const route = { to: servers.baseURL, credential, preset: 'openai' as const }
  const proxy = createProxy({ keys: [entry], routes: { demo: route } })
  let python: ChildProcess | undefined
  try {
    const { url } = await proxy.listen()
    const known = { url: `${url}/demo`, key }
    await credential.accessToken()
    const script = startPython(known)
    python = script.child
    out.write(
      `\n${styled('A Python script and curl', 'bold')} talk through a local proxy. A base URL and a placeholder key are all that they know;\nbefore each question the token has expired.\n\n`,
    )
    let isGood = true
    for (let expiry = 1; expiry <= EXPIRIES; expiry++) {
      const { tokenRequests } = servers.counts
      servers.expireTokens()
      const answers = await Promise.all([script.ask(SHORT.question), curl(known)])
      const refreshes = servers.counts.tokenRequests - tokenRequests
      const [fromPython, fromCurl] = answers.map((answer) => (answer === SHORT.answer ? 'answered' : answer))
      isGood &&= refreshes === 1 && answers.every((answer) => answer === SHORT.answer)
      out.write(`  expiry ${expiry}   Python: ${fromPython}   curl: ${fromCurl}   refreshes: ${refreshes}\n`)
    }
    return isGood
  } finally {
    python?.kill()
    await proxy.close()
    await servers.close()
  }
}

const environment = ({ url, key }: Known): NodeJS.ProcessEnv => ({
  PATH: process.env['PATH'],
  OPENAI_BASE_URL: url,
  OPENAI_API_KEY: key,
})

/** It lives as long as its input is open, and so no longer than this process. */
function startPython(known: Known): { child: ChildProcess; ask: (question: string) => Promise<string> } {
  const stdio = ['pipe', 'pipe', 'inherit'] as const
  const child = spawn('python3', ['-c', PYTHON], { env: environment(known), stdio: [...stdio] })
  const missing = once(child, 'error').then(() => 'there is no python3 here')
  const answers = createInterface({ input: child.stdout })[Symbol.asyncIterator]()
  child.stdin.on('error', () => undefined)
  const ask = async (question: string): Promise<string> => {
    child.stdin.write(`${question}\n`)
    const answered = answers.next().then(({ value }) => String(value))
    return Promise.race([answered, missing])
  }
  return { child, ask }
}

async function curl(known: Known): Promise<string> {
  const body = JSON.stringify({ model: 'demo', messages: [{ role: 'user', content: SHORT.question }] })
  const command = `curl -sS "$OPENAI_BASE_URL/chat/completions" -H "Authorization: Bearer $OPENAI_API_KEY" -H 'Content-Type: application/json' -d "$1"`
  try {
    const { stdout } = await promisify(execFile)('sh', ['-c', command, 'sh', body], {
      env: environment(known),
    })
    const content: unknown = ['choices', '0', 'message', 'content'].reduce<unknown>(
      (value, field) => Reflect.get(Object(value), field),
      JSON.parse(stdout),
    )
    return String(content)
  } catch {
    return 'curl failed: is it installed?'
  }
}
