import { spawnSync, type SpawnSyncReturns } from 'node:child_process'
import { readFile, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { expect, onTestFinished, test, vi } from 'vitest'
import { createCredential, type RefreshEvent } from '../../src/index.ts'
import { command, type CommandOptions } from '../../src/sources/command/index.ts'
import { fileOfSource, program } from '../support/bundle.ts'
import { ManualClock } from '../support/manual-clock.ts'
import { failure, isRunning, issue, printed, processesWith, script, temporaryFolder } from './helpers.ts'

const CANARY = 'canary-4c1de0'

/** A command that says when it is ready, on stderr. */
function announced(options: CommandOptions): { source: ReturnType<typeof command>; ready: Promise<void> } {
  let tell = (): void => undefined
  const ready = new Promise<void>((resolve) => {
    tell = resolve
  })
  const onStderr = (text: string): void => {
    if (text.includes('ready')) tell()
  }
  return { source: command({ ...options, onStderr }), ready }
}

/** Moves the clock in small steps until a promise settles. */
async function runOut<T>(clock: ManualClock, promise: Promise<T>): Promise<T> {
  const state = { isSettled: false }
  const settle = (): void => {
    state.isSettled = true
  }
  promise.then(settle, settle)
  while (!state.isSettled) await clock.advance(25)
  return promise
}

test('[K6] a hundred callers cause one run, and all get what it prints', async () => {
  const file = await script('echo run >> "$0.runs"\necho token-$(wc -l < "$0.runs" | tr -d " ")')
  const token = createCredential({ source: command({ file }) })
  const all = await Promise.all(Array.from({ length: 100 }, () => token.snapshot()))
  expect(new Set(all.map(({ value }) => value.accessToken))).toEqual(new Set(['token-1']))
  expect(await readFile(`${file}.runs`, 'utf8')).toBe('run\n')

  const again = await Promise.all(all.map((held) => token.refresh(held)))
  expect(new Set(again.map(({ value }) => value.accessToken))).toEqual(new Set(['token-2']))
  expect(await readFile(`${file}.runs`, 'utf8')).toBe('run\nrun\n')
})

test('[K11] a helper that prints the rejected token again refreshes nothing', async () => {
  const token = createCredential({ source: command({ file: await script('echo the-same') }) })
  const held = await token.snapshot()
  expect((await failure(token.refresh(held))).code).toBe('unchanged')
  expect(token.peek()?.generation).toBe(1)
})

test('[K6] no shell reads the file name or the arguments', async () => {
  const file = await script(
    'for arg in "$@"; do printf "%s\\n" "$arg"; done > "$0.args"\necho t',
    'a $(b); c',
  )
  const args = ['$HOME', '`id`', '; echo x', '*', '', 'a b', '"\'\\']
  await issue(command({ file, args }))
  expect((await readFile(`${file}.args`, 'utf8')).split('\n').slice(0, -1)).toEqual(args)
  expect((await failure(issue(command({ file: `${file} and more` })))).code).toBe('invalid_option')
})

test('[K6] it has nothing to read, and no terminal', async () => {
  const file = await script('test -z "$(cat)" && ! (: > /dev/tty) 2> "$0.err" && echo nothing-to-read')
  expect(await issue(command({ file }))).toMatchObject({ accessToken: 'nothing-to-read' })
})

test('variables are added to the environment of this process, or taken away', async () => {
  vi.stubEnv('KEPT', 'kept')
  vi.stubEnv('GONE', 'gone')
  onTestFinished(() => void vi.unstubAllEnvs())
  const file = await script('echo "$KEPT-$ADDED-${GONE-none}"')
  const source = command({ file, env: { ADDED: 'added', GONE: undefined } })
  expect(await issue(source)).toMatchObject({ accessToken: 'kept-added-none' })
})

test('it runs in the folder that is named', async () => {
  const cwd = await temporaryFolder()
  await writeFile(join(cwd, 'token'), 'from-the-folder')
  expect(await issue(command({ file: 'cat', args: ['token'], cwd }))).toMatchObject({
    accessToken: 'from-the-folder',
  })
})

test('arguments may depend on the challenge and on the token that is to be replaced', async () => {
  const source = command({
    file: await script('echo "$1-$2"'),
    args: ({ challenge, current }) => [challenge ?? 'none', String(current?.accessToken.length)],
  })
  const current = { accessToken: 'abc' }
  expect(await issue(source, { challenge: 'claims', current })).toMatchObject({ accessToken: 'claims-3' })
  expect(await issue(source)).toMatchObject({ accessToken: 'none-undefined' })
  const broken = command({ file: 'true', args: () => [`${CANARY}\0`] })
  const error = await failure(issue(broken))
  expect(error.code).toBe('invalid_option')
  expect(printed(error)).not.toContain(CANARY)
})

test.each([
  ['exit 3', 'helper exited with code 3'],
  ['kill -9 $$', 'helper was ended by SIGKILL'],
])('[K3, K6] %s: the error names the command and how it ended, and nothing else', async (end, message) => {
  const seen: string[] = []
  const file = await script(`echo ${CANARY}; echo ${CANARY}-err >&2; ${end}`)
  const options = { file, args: [`${CANARY}-arg`], env: { SECRET: `${CANARY}-env` } }
  const error = await failure(issue(command({ ...options, onStderr: (text) => seen.push(text) })))
  expect(error.code).toBe('source_refused')
  expect(error.message).toBe(`${message}: what it wrote to stderr says why.`)
  expect(printed(error)).not.toContain(CANARY)
  expect(seen.join('')).toBe(`${CANARY}-err\n`)
})

test('[K3, Z1] an executable that is not there is an error that names it, with its cause and without arguments', async () => {
  const file = join(await temporaryFolder(), 'no-such-helper')
  const error = await failure(issue(command({ file, args: [CANARY] })))
  expect(error.code).toBe('invalid_option')
  expect(error.message).toContain(file)
  expect(error.cause).toMatchObject({ code: 'ENOENT' })
  expect(printed(error)).not.toContain(CANARY)
  const line = await failure(issue(command({ file: 'cat /run/token.json | jq -r .access_token' })))
  expect(line.message).toContain('name the program alone, and each argument for itself')
  const elsewhere = await failure(issue(command({ file: 'true', cwd: join(dirname(file), 'gone') })))
  expect(elsewhere.message).toContain('gone')
})

test('[K3] what is no executable is an error that says so', async () => {
  const file = join(await temporaryFolder(), 'data')
  await writeFile(file, 'echo token', { mode: 0o644 })
  const error = await failure(issue(command({ file })))
  expect(error.code).toBe('invalid_option')
  expect(error.message).toContain('EACCES')
})

/** A process of its own, that runs a command, and ends well with its token. */
async function inItsOwnProcess(file: string, options = {}): Promise<SpawnSyncReturns<string>> {
  const main = await program(
    `import { command } from '${fileOfSource('sources/command/index.ts')}'
    const asked = { signal: new AbortController().signal, sent: () => undefined }
    command({ file: '${file}', ...${JSON.stringify(options)} }).issue(asked).then(
      ({ accessToken }) => (process.exitCode = accessToken === 'token' ? 0 : 1),
      (error) => console.log('heard ' + error.code),
    )`,
  )
  return spawnSync(process.execPath, [main], { encoding: 'utf8', timeout: 120_000 })
}

test('[K6] by default a person sees what it writes to stderr', async () => {
  const file = await script('echo "open https://login.example" >&2; echo token')
  expect(await inItsOwnProcess(file)).toMatchObject({
    status: 0,
    stdout: '',
    stderr: 'open https://login.example\n',
  })
})

test.each([
  ['it prints too much', 'head -c 3000000 /dev/zero | tr "\\0" a', { maxOutput: 1_000 }, 'source_invalid'],
  [
    'it does not end, nor what it started',
    '(trap "" TERM; echo "$BASHPID $$" > "$0.pid"; exec 1>&-; sleep 25) & exec sleep 24',
    { timeout: 300 },
    'source_unreachable',
  ],
])(
  '[K6] given a program with nothing else to do, when %s, then it hears of it and nothing is left behind',
  async (_name, body, options, code) => {
    const file = await script(body)
    // `$BASHPID` is not POSIX.
    await writeFile(file, `#!/bin/bash\n${body}\n`, { mode: 0o755 })
    const { stdout, status } = await inItsOwnProcess(file, options)
    expect({ stdout, status }).toEqual({ stdout: `heard ${code}\n`, status: 0 })
    const pids = await readFile(`${file}.pid`, 'utf8').catch(() => '')
    for (const pid of pids.split(/\s+/).filter(Boolean)) {
      expect(await isRunning(pid)).toBe(false)
    }
  },
)

test('[K6] given a program that exits while its command runs, then the command ends with it', async () => {
  const file = await script('echo $$ > "$0.pid"; exec sleep 30')
  const main = await program(
    `import { statSync } from 'node:fs'
    import { command } from '${fileOfSource('sources/command/index.ts')}'
    const asked = { signal: new AbortController().signal, sent: () => undefined }
    command({ file: '${file}' }).issue(asked).catch(() => undefined)
    // The shell makes the file before it writes into it.
    setInterval(() => statSync('${file}.pid', { throwIfNoEntry: false })?.size > 0 && process.exit(3), 10)`,
  )
  expect(spawnSync(process.execPath, [main], { timeout: 120_000 }).status).toBe(3)
  const pid = (await readFile(`${file}.pid`, 'utf8')).trim()
  expect(Number(pid)).toBeGreaterThan(0)
  await vi.waitFor(async () => expect(await isRunning(pid)).toBe(false), 120_000)
})

test('a daemon that it leaves behind does not keep this process alive', async () => {
  const file = await script('sleep 600 2>&- & echo $! > "$0.pid"; echo token')
  const ended = await inItsOwnProcess(file)
  process.kill(Number(await readFile(`${file}.pid`, 'utf8')), 'SIGKILL')
  expect(ended).toMatchObject({ status: 0, signal: null })
})

test.each([
  ['it does not want to', 'trap "" TERM;'],
  ['it does and what it started does not', ''],
])('[K3, K6] at the timeout it is ended with all that it started, where %s', async (_, trap) => {
  const clock = new ManualClock()
  const mark = `mark-${process.pid}-timeout`
  // It counts, up to an end: a loop of sleeps would be two processes with the mark, each time that it forks.
  const stubborn = `trap "" TERM; echo ready >&2; n=0; while [ $n -lt 99999999 ]; do n=$((n+1)); done`
  const file = await script(`${trap} sh -c '${stubborn}' "$1" & wait; wait; wait`)
  const { source, ready } = announced({ file, args: [mark], timeout: 5_000, clock })
  const issued = failure(issue(source))
  await ready
  expect(await processesWith(mark)).toHaveLength(2)
  await clock.advance(4_999)
  expect(await processesWith(mark)).toHaveLength(2)
  const error = await runOut(clock, issued)
  expect(error.code).toBe('source_unreachable')
  expect(error.message).toMatch(/^helper did not end within 5000 ms:/)
  // What was killed takes a moment to be gone.
  await expect.poll(() => processesWith(mark)).toEqual([])
  expect(clock.armed).toBe(0)
})

test('[K6] an abort ends it, lets it clean up, and rejects with the reason', async () => {
  const mark = `mark-${process.pid}-abort`
  const file = await script(
    `trap 'echo clean > "$0.end"; exit 0' TERM; echo ready >&2; while :; do sleep 0.01; done`,
  )
  const { source, ready } = announced({ file, args: [mark] })
  const controller = new AbortController()
  const reason = new Error('nobody wants it any more')
  const issued = issue(source, { signal: controller.signal })
  await ready
  controller.abort(reason)
  await expect(issued).rejects.toBe(reason)
  expect(await readFile(`${file}.end`, 'utf8')).toBe('clean\n')
  // What was killed takes a moment to be gone.
  await expect.poll(() => processesWith(mark)).toEqual([])
})

test('[K6] what was aborted before is not run at all', async () => {
  const file = await script('echo run > "$0.runs"; echo t')
  const reason = new Error('too late')
  await expect(issue(command({ file }), { signal: AbortSignal.abort(reason) })).rejects.toBe(reason)
  await expect(readFile(`${file}.runs`)).rejects.toThrow('ENOENT')
})

test('[K6] what prints without end is ended', async () => {
  const mark = `mark-${process.pid}-flood`
  const file = await script(`while :; do echo ${CANARY}; done`)
  const error = await failure(issue(command({ file, args: [mark], maxOutput: 65_536 })))
  expect(error.code).toBe('source_invalid')
  expect(error.message).toMatch(/^helper printed more than the 65536 bytes that it may:/)
  expect(printed(error)).not.toContain(CANARY)
  // What was killed takes a moment to be gone.
  await expect.poll(() => processesWith(mark)).toEqual([])
})

test('what it prints arrives whole, up to the limit', async () => {
  const clock = new ManualClock()
  const long = 'x'.repeat(300_000)
  const file = await script(`head -c 300000 /dev/zero | tr '\\0' x`)
  expect(await issue(command({ file, maxOutput: 300_000, clock }))).toMatchObject({ accessToken: long })
  expect(clock.armed).toBe(0)
  expect((await failure(issue(command({ file, maxOutput: 299_999 })))).code).toBe('source_invalid')
})

test('a daemon that it leaves behind holds nobody up, and is left alone', async () => {
  const mark = `mark-${process.pid}-daemon`
  const file = await script(`sh -c 'while :; do sleep 0.05; done' "$1" & echo token`)
  expect(await issue(command({ file, args: [mark], timeout: 60_000 }))).toMatchObject({
    accessToken: 'token',
  })
  const left = await processesWith(mark)
  expect(left).toHaveLength(1)
  for (const pid of left) process.kill(pid, 'SIGKILL')
})

test('[K9] a run that timed out is tried again, one that refused is not', async () => {
  const [itsClock, clock] = [new ManualClock(), new ManualClock()]
  const file = await script(
    'echo run >> "$0.runs"; test $(wc -l < "$0.runs") -gt 1 && echo token && exit; echo ready >&2; sleep 600',
  )
  const { source, ready } = announced({ file, timeout: 1_000, clock: itsClock })
  const first = createCredential({ source, clock }).snapshot()
  await ready
  const { armed } = clock
  await itsClock.advance(1_000)
  // The wait before the next run has begun.
  while (clock.armed === armed) await itsClock.advance(itsClock.armed > 0 ? 25 : 0)
  await clock.advance(250)
  expect((await first).value.accessToken).toBe('token')

  const refusing = await script('echo run >> "$0.runs"; exit 1')
  const token = createCredential({ source: command({ file: refusing }) })
  expect((await failure(token.snapshot())).code).toBe('source_refused')
  expect(await readFile(`${refusing}.runs`, 'utf8')).toBe('run\n')
})

test('[K6, Z1] no secret is in the arguments of any process, in an event, an error or the source', async () => {
  const events: RefreshEvent[] = []
  const file = await script(
    `test -n "$SECRET" && tr '\\0' ' ' < /proc/$$/cmdline > "$0.seen"; echo "$SECRET-token"; echo more`,
  )
  const source = command({ file, env: { SECRET: CANARY }, args: ['--plain'] })
  const token = createCredential({ source, onEvent: (event) => events.push(event) })
  const error = await failure(token.snapshot())
  expect(error.code).toBe('source_invalid')
  expect(await readFile(`${file}.seen`, 'utf8')).toContain('--plain')
  expect(await readFile(`${file}.seen`, 'utf8')).not.toContain(CANARY)
  for (const thing of [source, token, token.status(), events, error]) {
    expect(printed(thing)).not.toContain(CANARY)
  }
})

test.each<[string, unknown]>([
  ['file', {}],
  ['file', { file: '' }],
  ['file', { file: 'a\0b' }],
  ['args', { file: 'a', args: `--token ${CANARY}` }],
  ['args', { file: 'a', args: [`${CANARY}\0`] }],
  ['args', { file: 'a', args: [7] }],
  ['env', { file: 'a', env: { A: 7 } }],
  ['env', { file: 'a', env: { 'A=B': CANARY } }],
  ['env', { file: 'a', env: { A: `${CANARY}\0` } }],
  ['env', { file: 'a', env: null }],
  ['cwd', { file: 'a', cwd: '' }],
  ['timeout', { file: 'a', timeout: 0 }],
  ['timeout', { file: 'a', timeout: NaN }],
  ['maxOutput', { file: 'a', maxOutput: -1 }],
  ['parse', { file: 'a', parse: 'json' }],
  ['onStderr', { file: 'a', onStderr: true }],
  ['shell', { file: 'a', shell: true }],
])("an option that cannot be is refused at once: '%s' %#", (name, options) => {
  const open = (): unknown => command(options as CommandOptions)
  expect(open).toThrow(expect.objectContaining({ code: 'invalid_option' }))
  expect(open).toThrow(`'${name}'`)
  expect(open).not.toThrow(CANARY)
})
