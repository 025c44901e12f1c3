import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { hostname } from 'node:os'
import { expect, test } from 'vitest'
import { readMachine } from '../../../src/credentials/stores/file/machine.ts'
import { defaultPath, folderName } from '../../../src/credentials/stores/file/path.ts'

/** A pid that was a process's, and is nobody's. */
async function pidOfTheDead(): Promise<number> {
  const child = spawn(process.execPath, ['-e', ''])
  await once(child, 'exit')
  return child.pid ?? 0
}

test('a process is told from another of its number by when it began', async () => {
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

test('a process that has ended, and that nobody has waited for, is gone', async () => {
  const machine = await readMachine('linux')
  // The shell becomes a sleep, which waits for no child.
  const parent = spawn('sh', ['-c', 'sh -c "exit" & echo $!; exec sleep 60'])
  const [line] = (await once(parent.stdout, 'data')) as [Buffer]
  await expect.poll(() => machine.startOf(Number(line))).toBeNull()
  parent.kill('SIGKILL')
})

test('on macOS it asks ps and sysctl', async () => {
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

test('on Windows a process is gone when nobody has its number', async () => {
  const machine = await readMachine('win32')
  expect(machine).toMatchObject({ boot: hostname(), namespace: 'win32', start: undefined })
  expect(await machine.startOf(process.pid)).toBeUndefined()
  expect(await machine.startOf(await pidOfTheDead())).toBeNull()
})

test('what cannot be found out is not known', async () => {
  const machine = await readMachine('darwin', () => Promise.reject(new Error('not allowed')))
  expect(machine).toMatchObject({ boot: undefined, start: undefined })
})

test('each platform has its folder for what programs remember', () => {
  expect(defaultPath('linux')).toMatch(/llm-refresh$/u)
  expect(defaultPath('darwin')).toMatch(/Library\/Application Support\/llm-refresh$/u)
  expect(defaultPath('win32')).toMatch(/llm-refresh$/u)
})

test('no two accounts share a folder, not even where case is of no account', () => {
  const names = ['A', 'a', 'a/b', 'a-b', '..', '', 'x'.repeat(500)].map((key) =>
    folderName(key).toLowerCase(),
  )
  expect(new Set(names).size).toBe(names.length)
  for (const name of names) expect(name).toMatch(/^[\da-z-]{16,57}$/u)
})
