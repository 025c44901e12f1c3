import { chmod, mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'

/**
 * Programs that cannot be installed here, as far as the pages of docs/tools speak of them: each reads the settings that the real one reads, and
 * makes the request that it makes.
 */
const programs: Readonly<Record<string, string>> = {
  claude: `#!/usr/bin/env node
    const { execSync } = require('node:child_process')
    const { readFileSync } = require('node:fs')
    let settings = {}
    try { settings = JSON.parse(readFileSync(process.env.HOME + '/.claude/settings.json', 'utf8')) } catch {}
    const env = { ...process.env, ...settings.env }
    const key = env.ANTHROPIC_API_KEY ?? execSync(settings.apiKeyHelper, { env, encoding: 'utf8' }).trim()
    require('./ask.cjs')(env.ANTHROPIC_BASE_URL + '/v1/messages', { 'x-api-key': key, authorization: 'Bearer ' + key })`,
  codex: `#!/usr/bin/env python3
import json, os, subprocess, tomllib, urllib.request
config = tomllib.load(open(os.environ['HOME'] + '/.codex/config.toml', 'rb'))
provider = config['model_providers'][config['model_provider']]
auth = provider['auth']
asked = subprocess.run([auth['command'], *auth['args']], capture_output=True, check=True, timeout=auth['timeout_ms'] / 1000)
headers = {'authorization': 'Bearer ' + asked.stdout.decode().strip(), 'content-type': 'application/json'}
body = json.dumps({'model': config['model'], 'input': 'Say hello.'}).encode()
request = urllib.request.Request(provider['base_url'] + '/' + provider['wire_api'], data=body, headers=headers)
print(json.load(urllib.request.urlopen(request))['output'][0]['content'][0]['text'])`,
  opencode: `#!/usr/bin/env node
    const { readFileSync } = require('node:fs')
    const text = readFileSync(process.env.HOME + '/.config/opencode/opencode.json', 'utf8')
    const config = JSON.parse(text.replace(/\\{env:(\\w+)\\}/g, (_all, name) => process.env[name]))
    const [vendor] = process.argv[process.argv.indexOf('--model') + 1].split('/')
    const { baseURL, apiKey } = config.provider[vendor].options
    require('./ask.cjs')(baseURL + (vendor === 'openai' ? '/responses' : '/messages'),
      vendor === 'openai' ? { authorization: 'Bearer ' + apiKey } : { 'x-api-key': apiKey })`,
  aider: `#!/usr/bin/env node
    const { env, argv } = process
    const [vendor] = argv[argv.indexOf('--model') + 1].split('/')
    if (vendor === 'openai')
      require('./ask.cjs')(env.OPENAI_API_BASE + '/chat/completions', { authorization: 'Bearer ' + env.OPENAI_API_KEY })
    else require('./ask.cjs')(env.ANTHROPIC_API_BASE + '/v1/messages', { 'x-api-key': env.ANTHROPIC_API_KEY })`,
  'ask.cjs': `module.exports = async (url, headers) => {
    const messages = [{ role: 'user', content: 'Say hello.' }]
    const response = await fetch(url, {
      method: 'POST',
      headers: { ...headers, 'content-type': 'application/json' },
      body: JSON.stringify({ model: 'a-model', max_tokens: 9, messages, input: 'Say hello.' }),
    })
    const body = await response.json()
    console.log(body.choices?.[0].message.content ?? body.output?.[0].content[0].text ?? body.content?.[0].text ?? body)
  }`,
}

const PYTHON_PACKAGE = `
import json, os, urllib.request
from types import SimpleNamespace

def _ask(path, headers):
    def create(**body):
        request = urllib.request.Request(path, data=json.dumps(body).encode(), headers={**headers, 'content-type': 'application/json'})
        return json.load(urllib.request.urlopen(request), object_hook=lambda fields: SimpleNamespace(**fields))
    return SimpleNamespace(create=create)
`
const packages: Readonly<Record<string, string>> = {
  openai: `${PYTHON_PACKAGE}
def OpenAI():
    url, key = os.environ['OPENAI_BASE_URL'], os.environ['OPENAI_API_KEY']
    completions = _ask(url + '/chat/completions', {'authorization': 'Bearer ' + key})
    return SimpleNamespace(chat=SimpleNamespace(completions=completions))`,
  anthropic: `${PYTHON_PACKAGE}
def Anthropic():
    assert 'ANTHROPIC_AUTH_TOKEN' not in os.environ
    url, key = os.environ['ANTHROPIC_BASE_URL'], os.environ['ANTHROPIC_API_KEY']
    return SimpleNamespace(messages=_ask(url + '/v1/messages', {'x-api-key': key}))`,
}

/** @returns folders for `PATH` and `PYTHONPATH` */
export async function installStandIns(folder: string): Promise<{ bin: string; python: string }> {
  const [bin, python] = [join(folder, 'bin'), join(folder, 'python')]
  await Promise.all([mkdir(bin), mkdir(python)])
  for (const [name, text] of Object.entries(programs)) {
    await writeFile(join(bin, name), text)
    await chmod(join(bin, name), 0o755)
  }
  for (const [name, text] of Object.entries(packages)) await writeFile(join(python, `${name}.py`), text)
  return { bin, python }
}
