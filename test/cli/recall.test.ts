import { execFile } from 'node:child_process'
import {
  chmod,
  copyFile,
  mkdir,
  readdir,
  readFile,
  rename,
  rm,
  stat,
  symlink,
  utimes,
  writeFile,
} from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { type Machine, machine } from './command.ts'
import { client, loggedIn } from './logged-in.ts'

const FIRST = fileURLToPath(new URL('../../cli/dist/llm-refresh.cjs', import.meta.url))

interface Recalling extends Machine {
  readonly memo: string
  readonly credential: Awaited<ReturnType<typeof loggedIn>>
  /** The first file of the command alone, which finds no other. undefined: it would have loaded the whole command. */
  readonly alone: (words: readonly string[], env?: NodeJS.ProcessEnv) => Promise<string | undefined>
}

/** A machine with a login whose token was printed a moment ago. */
async function printed(given: object = {}): Promise<Recalling> {
  const at = await machine({ credentials: { work: { source: 'oauth', ...client } }, ...given })
  const credential = await loggedIn(at.store)
  await settled(at)
  expect(await at.runApart(['token'])).toMatchObject({ code: 0, stdout: 'canary\n', stderr: '' })
  const folder = join(at.folder, 'alone')
  await mkdir(folder)
  await copyFile(FIRST, join(folder, 'first.cjs'))
  const alone: Recalling['alone'] = (words, env = {}) =>
    new Promise((resolve) => {
      const own = { PATH: process.env['PATH'], HOME: at.folder, LLM_REFRESH_CONFIG: at.config, ...env }
      execFile(process.execPath, [join(folder, 'first.cjs'), ...words], { env: own }, (error, stdout) =>
        resolve(error === null ? stdout : undefined),
      )
    })
  const memo = (await memos(at)).find((path) => path.includes('token')) ?? ''
  return { ...at, memo, credential, alone }
}

/** Waits until the file system's clock has passed the configuration's last change: a command leaves no memo of a younger one. */
async function settled({ config, folder }: Machine): Promise<void> {
  const { ctimeMs } = await stat(config)
  const probe = join(folder, 'probe')
  for (let now = ctimeMs; now <= ctimeMs + 30; now = (await stat(probe)).ctimeMs) await writeFile(probe, '')
}

async function memos({ folder }: Machine): Promise<string[]> {
  const cache = join(folder, '.cache', 'llm-refresh')
  return (await readdir(cache).catch(() => [])).map((name) => join(cache, name))
}

async function edit(path: string, change: object): Promise<void> {
  const memo = JSON.parse(await readFile(path, 'utf8')) as object
  await writeFile(path, JSON.stringify({ ...memo, ...change }))
}

test('[L2] given a token that was printed, when nothing has changed, then the command prints it again from its first file, in each format, and its memo holds no secret', async () => {
  const { alone, memo } = await printed()
  expect(await alone(['token'])).toBe('canary\n')
  expect(await alone(['token', '--format=headers'])).toBe('{"Authorization":"Bearer canary"}\n')
  const json = JSON.parse((await alone(['token', '--format', 'json', '--min-ttl', '5m'])) ?? '') as object
  expect(json).toEqual({
    access_token: 'canary',
    token_type: 'Bearer',
    expires_at: expect.stringMatching(/^20.*Z$/) as unknown,
  })
  expect(await readFile(memo, 'utf8')).not.toMatch(/canary/)
  expect((await stat(memo)).mode & 0o777).toBe(0o600)
})

test.each<[change: string, change: (at: Recalling) => Promise<unknown>]>([
  ['the configuration was written', ({ config }) => utimes(config, new Date(), new Date())],
  ['others may write to the configuration', ({ config }) => chmod(config, 0o622)],
  ['others may write to the folder above it', ({ config }) => chmod(dirname(config), 0o777)],
  ['others may read the store', ({ store }) => chmod(store, 0o755)],
  [
    'a newer token is stored',
    async ({ credential }) => {
      await credential.login({ access_token: 'newer', refresh_token: 'r', expires_in: 3600 })
      await credential.flush()
    },
  ],
  ['the login was ended', ({ credential }) => credential.logout()],
  ['the store has gone', ({ store }) => rm(store, { recursive: true })],
  [
    'another store is in its place',
    async ({ store }) => {
      await rename(store, `${store}-before`)
      await mkdir(store)
    },
  ],
  [
    'the configuration has moved behind a link',
    async ({ config, folder }) => {
      const moved = join(folder, 'moved')
      await rename(dirname(config), moved)
      await symlink(moved, dirname(config))
    },
  ],
  [
    'the account’s folder holds a link',
    async ({ store }) => {
      const [account = ''] = await readdir(store)
      await symlink('/etc/passwd', join(store, account, 'lock-7'))
    },
  ],
  ['the memo knows of no file', ({ memo }) => edit(memo, { marks: {} })],
  ['others may read the memo', ({ memo }) => chmod(memo, 0o644)],
  [
    'the memo is a link',
    async ({ memo }) => {
      await rename(memo, `${memo}-before`)
      await symlink(`${memo}-before`, memo)
    },
  ],
  ['the memo is damaged', ({ memo }) => writeFile(memo, '{')],
  ['the memo holds nothing', ({ memo }) => writeFile(memo, 'null')],
  ['another version wrote the memo', ({ memo }) => edit(memo, { version: '0.0.1' })],
  ['the memo is of another configuration', ({ memo }) => edit(memo, { config: '/etc/other.jsonc' })],
  ['the memo is of another credential', ({ memo }) => edit(memo, { name: 'home' })],
  ['the clock was set back', ({ memo }) => edit(memo, { at: Date.now() + 600_000 })],
  ['the token has expired', ({ memo }) => edit(memo, { expiresAt: Date.now() - 1 })],
])('[L2] given a token that was printed, when %s, then the whole command decides', async (_, change) => {
  const at = await printed()
  await change(at)
  expect(await at.alone(['token'])).toBeUndefined()
})

test.each<[what: string, words: string[], env?: NodeJS.ProcessEnv]>([
  ['a token that lives longer', ['token', '--min-ttl', '2h']],
  ['another credential', ['token', 'home']],
  ['a credential by its name for the first time', ['token', 'work']],
  ['a format that is none', ['token', '--format', 'xml']],
  ['a duration that is none', ['token', '--min-ttl', 'soon']],
  ['help', ['token', '--help']],
  ['two credentials', ['token', 'work', 'home']],
  ['an option without a value', ['token', '--format']],
  ['another command', ['status']],
  ['nothing', []],
  ['a token with a relative configuration', ['token'], { LLM_REFRESH_CONFIG: 'config.jsonc' }],
  ['a token where another folder holds the state', ['token'], { XDG_STATE_HOME: '/srv/state' }],
  ['a token where a variable of a proxy holds no URL', ['token'], { HTTPS_PROXY: 'proxy' }],
  ['a token where another folder holds memos', ['token'], { XDG_CACHE_HOME: '/srv/cache' }],
])(
  '[L2] given a token that was printed, when a person asks for %s, then the whole command decides',
  async (_, words, env) => {
    const { alone } = await printed()
    expect(await alone(words, env)).toBeUndefined()
  },
)

test('[L2] given a token that was printed, when the login has ended elsewhere, then the next command says so', async () => {
  const { credential, runApart, alone } = await printed()
  expect(await alone(['token'])).toBe('canary\n')
  await credential.logout()
  expect(await runApart(['token'])).toMatchObject({ code: 3, stdout: '' })
})

test.each<[what: string, given: object]>([
  [
    'a sealed store',
    {
      stores: {
        default: { type: 'file', path: '../store', sealedWith: [{ id: '1', secret: { env: 'KEY' } }] },
      },
      credentials: { work: { source: 'command', command: ['printf', 'canary'] } },
    },
  ],
  ['a variable', { credentials: { work: { source: 'env', name: 'TOKEN' } } }],
])('[L2] given %s, when its token is printed, then there is no memo of it', async (_, given) => {
  const at = await machine(given)
  await settled(at)
  const env = { TOKEN: 'canary', KEY: 'k'.repeat(43) }
  expect(await at.runApart(['token'], env)).toMatchObject({ code: 0, stdout: 'canary\n' })
  expect(await memos(at)).toEqual([expect.stringContaining('config')])
})

test('[L2] given a cache that cannot be written, when a token is printed, then nothing else is printed', async () => {
  const { runApart } = await printed()
  const env = { XDG_CACHE_HOME: '/dev/null/cache' }
  expect(await runApart(['token'], env)).toMatchObject({ code: 0, stdout: 'canary\n', stderr: '' })
})
