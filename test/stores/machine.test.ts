import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { hostname } from 'node:os'
import { afterEach, expect, test, vi } from 'vitest'
import { type Machine, readMachine } from '../../src/stores/file/machine.ts'
import { newOwner, readOwner, stateOf, writeOwner } from '../../src/stores/file/owner.ts'
import { defaultPath, folderName } from '../../src/stores/file/path.ts'

afterEach(() => vi.unstubAllEnvs())

/** A pid that was a process's, and is nobody's. */
async function pidOfTheDead(): Promise<number> {
  const child = spawn(process.execPath, ['-e', ''])
  await once(child, 'exit')
  return child.pid ?? 0
}

test('given a pid, then the process’s start distinguishes it from a later one with that pid', async () => {
  const machine = await readMachine('linux')
  expect(machine).toMatchObject({
    host: hostname(),
    pid: process.pid,
    namespace: expect.stringMatching(/^pid:/u),
  })
  expect(machine.boot).toMatch(/^[\da-f-]{36}$/u)
  expect(await machine.startOf(process.pid)).toBe(machine.start)
  const child = spawn('sleep', ['60'])
  expect(await machine.startOf(child.pid ?? 0)).toMatch(/^\d+$/u)
  child.kill('SIGKILL')
  await once(child, 'exit')
  expect(await machine.startOf(child.pid ?? 0)).toBeNull()
})

test('given a zombie, then its process counts as gone', async () => {
  const machine = await readMachine('linux')
  // The shell becomes a sleep, which waits for no child.
  const parent = spawn('sh', ['-c', 'sh -c "exit" & echo $!; exec sleep 60'])
  const [line] = (await once(parent.stdout, 'data')) as [Buffer]
  await expect.poll(() => machine.startOf(Number(line))).toBeNull()
  parent.kill('SIGKILL')
})

test('given macOS, then the facts come from ps and sysctl', async () => {
  const asked: string[] = []
  const answers = new Map([
    ['sysctl', 'C0FFEE\n'],
    ['ps', 'Ss   Tue Nov 24 09:23:36 2026    \n'],
  ])
  const machine = await readMachine('darwin', async (program, args) => {
    asked.push([program, ...args].join(' '))
    return answers.get(program.split('/').at(-1) ?? '') ?? ''
  })
  expect(machine).toMatchObject({ boot: 'C0FFEE', namespace: 'darwin', start: 'Tue Nov 24 09:23:36 2026' })
  expect(asked).toEqual([
    '/usr/sbin/sysctl -n kern.bootsessionuuid',
    `/bin/ps -o stat=,lstart= -p ${process.pid}`,
  ])
  answers.set('ps', 'Z    Tue Nov 24 09:23:36 2026\n')
  expect(await machine.startOf(process.pid)).toBeNull()
  expect(await machine.startOf(await pidOfTheDead())).toBeNull()
})

test('given Windows, then a process counts as gone when no process has its pid', async () => {
  const machine = await readMachine('win32')
  expect(machine).toMatchObject({ boot: hostname(), namespace: 'win32', start: undefined })
  expect(await machine.startOf(process.pid)).toBeUndefined()
  expect(await machine.startOf(await pidOfTheDead())).toBeNull()
})

test('given facts that cannot be read, then they are not known', async () => {
  const machine = await readMachine('darwin', () => Promise.reject(new Error('not allowed')))
  expect(machine).toMatchObject({ boot: undefined, start: undefined })
})

test('given each platform, then the default folder is where its programs keep their state', () => {
  expect(defaultPath('linux')).toMatch(/llm-refresh$/u)
  expect(defaultPath('darwin')).toMatch(/Library\/Application Support\/llm-refresh$/u)
  expect(defaultPath('win32')).toMatch(/llm-refresh$/u)
})

test('given any two keys, then their folders differ, even if the file system ignores case', () => {
  const names = ['A', 'a', 'a/b', 'a-b', '..', '', 'x'.repeat(500)].map((key) =>
    folderName(key).toLowerCase(),
  )
  expect(new Set(names).size).toBe(names.length)
  for (const name of names) expect(name).toMatch(/^[\da-z-]{16,57}$/u)
})

test.each(['', 'state', './state'])(
  'given XDG_STATE_HOME=%j, which is no absolute path, then it is ignored',
  (value) => {
    vi.stubEnv('XDG_STATE_HOME', value)
    vi.stubEnv('HOME', '/home/me')
    expect(defaultPath('linux')).toBe('/home/me/.local/state/llm-refresh')
  },
)

test('given an absolute XDG_STATE_HOME or LOCALAPPDATA, then the default folder is in it, and no home is needed', () => {
  vi.stubEnv('HOME', '')
  vi.stubEnv('XDG_STATE_HOME', '/var/lib/me')
  vi.stubEnv('LOCALAPPDATA', String.raw`C:\Users\me\AppData\Local`)
  expect(defaultPath('linux')).toBe('/var/lib/me/llm-refresh')
  expect(defaultPath('win32')).toContain('Local')
})

test.each(['', 'AppData'])(
  'given LOCALAPPDATA=%j, which is no absolute path, then it is ignored',
  (value) => {
    vi.stubEnv('LOCALAPPDATA', value)
    vi.stubEnv('HOME', '/home/me')
    expect(defaultPath('win32')).toBe('/home/me/AppData/Local/llm-refresh')
  },
)

test.each(['linux', 'darwin'])(
  '[E1] given a HOME that is no absolute path, when %s has no other home, then the error is clear',
  (platform) => {
    vi.stubEnv('XDG_STATE_HOME', undefined)
    for (const home of ['', 'me']) {
      vi.stubEnv('HOME', home)
      expect(() => defaultPath(platform)).toThrow(
        /'path' is missing, and this user's home folder is no absolute path/u,
      )
    }
  },
)

test('given keys that differ only in lone surrogates, then each has its own folder, and the folders of other keys stay the same', () => {
  const keys = ['\uD800', '\uD801', '\uDC00', 'a\uD800', 'a\uD801', '\uFFFD', '\uD83D\uDD11']
  expect(new Set(keys.map(folderName)).size).toBe(keys.length)
  expect(folderName('me@example.com')).toBe('me-example-com-8c2a47d3bdb8d309')
  expect(folderName('ключ 🔑')).toMatch(/^[\da-f]{16}$/u)
})

const start = '100'
const here: Machine = {
  host: 'here',
  boot: 'boot',
  namespace: 'pid:[1]',
  time: 'time:[1]',
  pid: 7,
  start,
  startOf: async () => start,
}

test.each<[string, Partial<Machine>, 'gone' | 'stopped' | 'unknown']>([
  ['runs', {}, 'unknown'],
  ['is not there', { startOf: async () => null }, 'gone'],
  ['has the number of a later one', { startOf: async () => '200' }, 'gone'],
  ['is stopped', { isStopped: async () => true }, 'stopped'],
  ['counts time from another start', { time: 'time:[2]', startOf: async () => '200' }, 'unknown'],
  [
    'counts time from another start, and is not there',
    { time: 'time:[2]', startOf: async () => null },
    'gone',
  ],
  ['is in another pid namespace', { namespace: 'pid:[2]', startOf: async () => null }, 'unknown'],
  ['began before the machine did', { boot: 'another', startOf: async () => null }, 'unknown'],
])('given a holder whose process %s', async (_, seen, state) => {
  expect(await stateOf(newOwner(here, false), { ...here, ...seen })).toBe(state)
})

test('given a holder of an earlier version, without a time namespace, then its start decides', async () => {
  const { time: _time, ...earlier } = newOwner(here, false)
  const owner = readOwner(writeOwner({ ...earlier, time: undefined }))
  if (owner === undefined) throw new Error('no owner')
  expect(await stateOf(owner, { ...here, startOf: async () => '200' })).toBe('gone')
})

test('given a stopped process, then its state distinguishes it from one that runs', async () => {
  const machine = await readMachine('linux')
  const child = spawn('sleep', ['60'])
  const { pid = 0 } = child
  expect(await machine.isStopped?.(pid)).toBe(false)
  child.kill('SIGSTOP')
  await expect.poll(() => machine.isStopped?.(pid)).toBe(true)
  child.kill('SIGKILL')
})
