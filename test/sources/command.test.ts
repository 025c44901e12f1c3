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

/** A source whose command writes 'ready' to stderr. `ready` resolves then. */
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

test('[K6] given 100 callers, when they need a token at once, then the command runs once, and all get its token', async () => {
  const file = await script('echo run >> "$0.runs"\necho token-$(wc -l < "$0.runs" | tr -d " ")')
  const token = createCredential({ source: command({ file }) })
  const all = await Promise.all(Array.from({ length: 100 }, () => token.snapshot()))
  expect(new Set(all.map(({ value }) => value.accessToken))).toEqual(new Set(['token-1']))
  expect(await readFile(`${file}.runs`, 'utf8')).toBe('run\n')

  const again = await Promise.all(all.map((held) => token.refresh(held)))
  expect(new Set(again.map(({ value }) => value.accessToken))).toEqual(new Set(['token-2']))
  expect(await readFile(`${file}.runs`, 'utf8')).toBe('run\nrun\n')
})

test('[K11] given a helper that prints the rejected token again, when a caller refreshes, then the refresh fails with `unchanged`', async () => {
  const token = createCredential({ source: command({ file: await script('echo the-same') }) })
  const held = await token.snapshot()
  expect((await failure(token.refresh(held))).code).toBe('unchanged')
  expect(token.peek()?.generation).toBe(1)
})

test('[K6] given shell characters in the file name and the arguments, when the command runs, then no shell interprets them', async () => {
  const file = await script(
    'for arg in "$@"; do printf "%s\\n" "$arg"; done > "$0.args"\necho t',
    'a $(b); c',
  )
  const args = ['$HOME', '`id`', '; echo x', '*', '', 'a b', '"\'\\']
  await issue(command({ file, args }))
  expect((await readFile(`${file}.args`, 'utf8')).split('\n').slice(0, -1)).toEqual(args)
  expect((await failure(issue(command({ file: `${file} and more` })))).code).toBe('invalid_option')
})

test('[K6] given a command that reads stdin, when it runs, then its stdin is empty and no terminal', async () => {
  const file = await script('test -z "$(cat)" && ! (: > /dev/tty) 2> "$0.err" && echo nothing-to-read')
  expect(await issue(command({ file }))).toMatchObject({ accessToken: 'nothing-to-read' })
})

test("given the option 'env', when the command runs, then variables are added to this process's environment, or removed", async () => {
  vi.stubEnv('KEPT', 'kept')
  vi.stubEnv('GONE', 'gone')
  onTestFinished(() => void vi.unstubAllEnvs())
  const file = await script('echo "$KEPT-$ADDED-${GONE-none}"')
  const source = command({ file, env: { ADDED: 'added', GONE: undefined } })
  expect(await issue(source)).toMatchObject({ accessToken: 'kept-added-none' })
})

test("given the option 'cwd', when the command runs, then it runs in that folder", async () => {
  const cwd = await temporaryFolder()
  await writeFile(join(cwd, 'token'), 'from-the-folder')
  expect(await issue(command({ file: 'cat', args: ['token'], cwd }))).toMatchObject({
    accessToken: 'from-the-folder',
  })
})

test("given a function as 'args', when the command runs, then the function gets the challenge and the token to replace", async () => {
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
])(
  '[K3, K6] given a command that ends by `%s`, when it has run, then the error names the command and how it ended, and nothing else',
  async (end, message) => {
    const seen: string[] = []
    const file = await script(`echo ${CANARY}; echo ${CANARY}-err >&2; ${end}`)
    const options = { file, args: [`${CANARY}-arg`], env: { SECRET: `${CANARY}-env` } }
    const error = await failure(issue(command({ ...options, onStderr: (text) => seen.push(text) })))
    expect(error.code).toBe('source_refused')
    expect(error.message).toBe(`${message}: what it wrote to stderr says why.`)
    expect(printed(error)).not.toContain(CANARY)
    expect(seen.join('')).toBe(`${CANARY}-err\n`)
  },
)

test('[K3, Z1] given an executable that does not exist, when it is started, then the error names it, with its cause and without arguments', async () => {
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

test('[K3] given a file that is not executable, when it is started, then the error says so', async () => {
  const file = join(await temporaryFolder(), 'data')
  await writeFile(file, 'echo token', { mode: 0o644 })
  const error = await failure(issue(command({ file })))
  expect(error.code).toBe('invalid_option')
  expect(error.message).toContain('EACCES')
})

/** Runs a command from another process. That process exits with code 0 if it gets the token, and prints the error's code otherwise. */
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

test("[K6] given no 'onStderr', when the command writes to stderr, then the text appears on this process's stderr", async () => {
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
  '[K6] given a program with nothing else to do, when %s, then the program gets the error, and no process is left',
  async (_name, body, options, code) => {
    const file = await script(body)
    // `$BASHPID` needs bash.
    await writeFile(file, `#!/bin/bash\n${body}\n`, { mode: 0o755 })
    const { stdout, status } = await inItsOwnProcess(file, options)
    expect({ stdout, status }).toEqual({ stdout: `heard ${code}\n`, status: 0 })
    const pids = await readFile(`${file}.pid`, 'utf8').catch(() => '')
    for (const pid of pids.split(/\s+/).filter(Boolean)) {
      expect(await isRunning(pid)).toBe(false)
    }
  },
)

test('[K6] given a running command, when the program exits, then the command is killed', async () => {
  const file = await script('echo $$ > "$0.pid"; exec sleep 30')
  const main = await program(
    `import { statSync } from 'node:fs'
    import { command } from '${fileOfSource('sources/command/index.ts')}'
    const asked = { signal: new AbortController().signal, sent: () => undefined }
    command({ file: '${file}' }).issue(asked).catch(() => undefined)
    // The shell creates the file before it writes to it, so an empty file does not count.
    setInterval(() => statSync('${file}.pid', { throwIfNoEntry: false })?.size > 0 && process.exit(3), 10)`,
  )
  expect(spawnSync(process.execPath, [main], { timeout: 120_000 }).status).toBe(3)
  const pid = (await readFile(`${file}.pid`, 'utf8')).trim()
  expect(Number(pid)).toBeGreaterThan(0)
  await vi.waitFor(async () => expect(await isRunning(pid)).toBe(false), 120_000)
})

test('given a command that leaves a daemon behind, when it has ended, then the daemon does not keep this process alive', async () => {
  const file = await script('sleep 600 2>&- & echo $! > "$0.pid"; echo token')
  const ended = await inItsOwnProcess(file)
  process.kill(Number(await readFile(`${file}.pid`, 'utf8')), 'SIGKILL')
  expect(ended).toMatchObject({ status: 0, signal: null })
})

test.each([
  ['it does not want to', 'trap "" TERM;'],
  ['it does and what it started does not', ''],
])(
  '[K3, K6] given a command that outlasts its timeout, when %s, then the command and its children are killed',
  async (_, trap) => {
    const clock = new ManualClock()
    const mark = `mark-${process.pid}-timeout`
    // The loop counts, and does not sleep: each fork of a `sleep` would be a second process with the mark for a moment.
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
    // A killed process takes a moment to vanish.
    await expect.poll(() => processesWith(mark)).toEqual([])
    expect(clock.armed).toBe(0)
  },
)

test('[K6] given a running command, when the signal aborts, then the command may clean up, its processes end, and the call rejects with the reason', async () => {
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
  // A killed process takes a moment to vanish.
  await expect.poll(() => processesWith(mark)).toEqual([])
})

test('[K6] given a signal that is already aborted, when a token is requested, then the command does not run', async () => {
  const file = await script('echo run > "$0.runs"; echo t')
  const reason = new Error('too late')
  await expect(issue(command({ file }), { signal: AbortSignal.abort(reason) })).rejects.toBe(reason)
  await expect(readFile(`${file}.runs`)).rejects.toThrow('ENOENT')
})

test("[K6] given a command that prints without end, when it exceeds 'maxOutput', then it is ended", async () => {
  const mark = `mark-${process.pid}-flood`
  const file = await script(`while :; do echo ${CANARY}; done`)
  const error = await failure(issue(command({ file, args: [mark], maxOutput: 65_536 })))
  expect(error.code).toBe('source_invalid')
  expect(error.message).toMatch(/^helper printed more than the 65536 bytes that it may:/)
  expect(printed(error)).not.toContain(CANARY)
  // A killed process takes a moment to vanish.
  await expect.poll(() => processesWith(mark)).toEqual([])
})

test("given output of exactly 'maxOutput' bytes, when the command has ended, then the source has read all of it", async () => {
  const clock = new ManualClock()
  const long = 'x'.repeat(300_000)
  const file = await script(`head -c 300000 /dev/zero | tr '\\0' x`)
  expect(await issue(command({ file, maxOutput: 300_000, clock }))).toMatchObject({ accessToken: long })
  expect(clock.armed).toBe(0)
  expect((await failure(issue(command({ file, maxOutput: 299_999 })))).code).toBe('source_invalid')
})

test('given a command that leaves a daemon behind, when it has ended, then the caller gets the token at once, and the daemon lives on', async () => {
  const mark = `mark-${process.pid}-daemon`
  const file = await script(`sh -c 'while :; do sleep 0.05; done' "$1" & echo token`)
  expect(await issue(command({ file, args: [mark], timeout: 60_000 }))).toMatchObject({
    accessToken: 'token',
  })
  const left = await processesWith(mark)
  // The shell, and for a moment its copy that becomes `sleep`.
  expect(left).not.toEqual([])
  for (const pid of left) process.kill(pid, 'SIGKILL')
})

test('[K9] given a run that timed out, and given one that exited with an error, when a caller waits, then only the first is tried again', async () => {
  const [itsClock, clock] = [new ManualClock(), new ManualClock()]
  const file = await script(
    'echo run >> "$0.runs"; test $(wc -l < "$0.runs") -gt 1 && echo token && exit; echo ready >&2; sleep 600',
  )
  const { source, ready } = announced({ file, timeout: 1_000, clock: itsClock })
  const first = createCredential({ source, clock }).snapshot()
  await ready
  const { armed } = clock
  await itsClock.advance(1_000)
  // Wait until the credential's pause before the next run has begun.
  while (clock.armed === armed) await itsClock.advance(itsClock.armed > 0 ? 25 : 0)
  await clock.advance(250)
  expect((await first).value.accessToken).toBe('token')

  const refusing = await script('echo run >> "$0.runs"; exit 1')
  const token = createCredential({ source: command({ file: refusing }) })
  expect((await failure(token.snapshot())).code).toBe('source_refused')
  expect(await readFile(`${refusing}.runs`, 'utf8')).toBe('run\n')
})

test("[K6, Z1] given secrets in 'env', when the command runs and fails, then no process argument, event, error or printed source shows them", async () => {
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
])(
  "given an invalid option, when the source is made, then it throws an error that names '%s' %#",
  (name, options) => {
    const open = (): unknown => command(options as CommandOptions)
    expect(open).toThrow(expect.objectContaining({ code: 'invalid_option' }))
    expect(open).toThrow(`'${name}'`)
    expect(open).not.toThrow(CANARY)
  },
)
