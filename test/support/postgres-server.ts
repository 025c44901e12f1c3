import { type ChildProcess, execFile, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { appendFile, chown, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { Socket } from 'node:net'
import { dirname, join } from 'node:path'
import { createInterface } from 'node:readline'
import { promisify } from 'node:util'
import { binary, has } from './binaries.ts'
import { freePort } from './free-port.ts'
import { whenGone } from './leash.ts'

const run = promisify(execFile)

/** A database of a PostgreSQL server, on loopback. */
export interface PostgresDatabase {
  /** Options for `pg` and postgres.js. The user is a superuser. */
  readonly connection: {
    readonly host: string
    readonly port: number
    readonly user: string
    readonly database: string
  }
  /** The URL of the database. @param user Default: the superuser */
  url(user?: string): string
}

/** A separate PostgreSQL server, on a free port. */
export interface PostgresServer extends PostgresDatabase {
  /** Stops the server as an operator would: it closes connections, and writes everything to disk. */
  stop(): Promise<void>
  /** Kills all processes of the server with SIGKILL. */
  kill(): Promise<void>
  /** Starts the server again, with the same folder and port. */
  restart(): Promise<void>
  /** Kills the server, and removes its folder. */
  close(): Promise<void>
}

export interface PostgresServerOptions {
  /** True: acknowledged writes survive a kill. Default: they survive only a stop. */
  durable?: boolean | undefined
  /** Settings of postgresql.conf. */
  settings?: Readonly<Record<string, string | number>> | undefined
  /** True: the server does not keep this process alive. */
  isShared?: boolean | undefined
}

/** The name of a user who must give the password. All other users need none. */
export const GUARDED = 'guarded'

/** Whether PostgreSQL is installed. If not, tests are skipped, except in CI. */
export const hasPostgres: boolean = await has('postgres', 'postgresql')

/** The variable that holds the path of the template folder. */
const TEMPLATE = 'LLM_REFRESH_POSTGRES_TEMPLATE'

/** The folder of PostgreSQL's programs. */
const bin = hasPostgres ? dirname(await binary('postgres', 'postgresql')) : ''

export async function startPostgres(options: PostgresServerOptions = {}): Promise<PostgresServer> {
  const { durable = false, settings = {}, isShared = false } = options
  // The server's user must be able to enter the folder. Root's own temporary folder may be closed to that user.
  const folder = await mkdtemp('/tmp/llm-refresh-postgres-')
  const user = await systemUser()
  if (user !== undefined) await chown(folder, user.uid, user.gid)
  const data = join(folder, 'data')
  await run('cp', ['-a', await template(user), data])
  const guarded = `host all ${GUARDED} 127.0.0.1/32 scram-sha-256`
  await writeFile(join(data, 'pg_hba.conf'), `${guarded}\nhost all all 127.0.0.1/32 trust\n`)
  const sync = durable ? 'on' : 'off'
  const all = { fsync: sync, synchronous_commit: sync, full_page_writes: sync, ...settings }
  const lines = Object.entries(all).map(([name, value]) => `${name} = '${value}'\n`)
  await appendFile(join(data, 'postgresql.conf'), lines.join(''))

  let [port, server] = [0, undefined as ChildProcess | undefined]
  // Another program may take the free port before the server does, so we try again.
  for (let tries = 1; server === undefined; tries++) {
    port = await freePort()
    server = await start(data, port, user).catch((error: unknown) => {
      if (tries === 3) throw error
      return undefined
    })
  }
  if (isShared) letGo(server)
  let running: ChildProcess | undefined = server
  const end = async (kill: (server: ChildProcess) => void): Promise<void> => {
    const ending = running
    running = undefined
    if (ending === undefined) return
    const ended = once(ending, 'exit')
    kill(ending)
    await ended
  }
  const connection = { host: '127.0.0.1', port, user: 'postgres', database: 'postgres' }
  return {
    connection,
    url: (name = 'postgres') => `postgres://${name}@127.0.0.1:${port}/postgres`,
    stop: () => end((ending) => ending.kill('SIGINT')),
    kill: () => end(killAll),
    restart: async () => {
      running ??= await startAgain(data, port, user)
    },
    close: async () => {
      await end(killAll)
      await rm(folder, { recursive: true, force: true })
    },
  }
}

let shared: Promise<PostgresServer> | undefined
let databases = 0

/**
 * Makes a new database on a server that all test files of a worker share. No test may stop that server, or change settings of the whole server.
 * The server ends with the worker.
 */
export async function sharedPostgres(): Promise<PostgresDatabase> {
  const server = await (shared ??= startPostgres({ isShared: true }))
  const database = `file_${(databases += 1)}`
  const { host, port, user } = server.connection
  const url = (name = user): string => `postgres://${name}@${host}:${port}/${database}`
  const { default: pg } = await import('pg')
  const admin = new pg.Client(server.connection)
  await admin.connect()
  await admin.query(`CREATE DATABASE ${database}`)
  await admin.end()
  return { connection: { host, port, user, database }, url }
}

/** Makes the template folder with `initdb`, which takes a second or more. Each server starts with a copy of it. */
async function template(user: User | undefined): Promise<string> {
  const made = process.env[TEMPLATE]
  if (made !== undefined) return made
  const folder = await mkdtemp('/tmp/llm-refresh-postgres-template-')
  if (user !== undefined) await chown(folder, user.uid, user.gid)
  const data = join(folder, 'data')
  const encoding = ['--encoding=UTF8', '--locale=C']
  const how = ['--username=postgres', '--auth=trust', '--no-sync', ...encoding]
  await run(program('initdb'), ['--pgdata', data, ...how], { ...user, cwd: folder })
  process.env[TEMPLATE] = data
  return data
}

/** Makes the template folder for all tests of a run. @returns a function that removes it */
export async function makeTemplate(): Promise<() => Promise<void>> {
  if (!hasPostgres) return async () => undefined
  const data = await template(await systemUser())
  const isOver = whenGone('rm -rf "$0"', dirname(data))
  return async () => {
    isOver()
    await rm(dirname(data), { recursive: true, force: true })
  }
}

/** A killed server may have started one more process, which ends by itself, and holds the server's memory until then. */
async function startAgain(data: string, port: number, user: User | undefined): Promise<ChildProcess> {
  for (;;) {
    try {
      return await start(data, port, user)
    } catch (error) {
      if (!String(error).includes('pre-existing shared memory block')) throw error
    }
  }
}

async function start(data: string, port: number, user: User | undefined): Promise<ChildProcess> {
  const where = ['-D', data, '-h', '127.0.0.1', '-p', String(port), '-k', '']
  const server = spawn(program('postgres'), where, {
    ...user,
    cwd: data,
    stdio: ['ignore', 'ignore', 'pipe'],
  })
  watch(server, data)
  const said: string[] = []
  await new Promise<void>((resolve, reject) => {
    createInterface(server.stderr).on('line', (line) => {
      said.push(line)
      if (line.includes('ready to accept connections')) resolve()
    })
    server.once('error', reject)
    server.once('exit', () => reject(new Error(`PostgreSQL did not start:\n${said.join('\n')}`)))
  })
  return server
}

/** Lets this process exit while the server runs. */
function letGo(server: ChildProcess): void {
  server.unref()
  if (server.stderr instanceof Socket) server.stderr.unref()
}

/** Ends the server, and removes its folder, when this process was killed. */
function watch(server: ChildProcess, data: string): void {
  const line = 'kill -QUIT "$0"; sleep 1; rm -rf "$1"'
  server.once('exit', whenGone(line, String(server.pid), dirname(data)))
}

/** Kills the server and its children. Each connection has its own process, which would outlive the server for a moment. */
function killAll(server: ChildProcess): void {
  const { stdout } = spawnSync('ps', ['-A', '-o', 'pid=,ppid='], { encoding: 'utf8' })
  const processes = stdout.split('\n').map((line) => line.trim().split(/\s+/).map(Number))
  server.kill('SIGKILL')
  for (const [pid = 0, parent] of processes) {
    if (parent === server.pid && pid > 0) killOne(pid)
  }
}

function killOne(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL')
  } catch {
    // The process has already ended.
  }
}

function program(name: string): string {
  return join(bin, name)
}

interface User {
  readonly uid: number
  readonly gid: number
}

/** The user that the server runs as, because PostgreSQL refuses to run as root. undefined: the current user. */
async function systemUser(): Promise<User | undefined> {
  if (process.getuid?.() !== 0) return undefined
  for (const name of ['postgres', 'nobody']) {
    const [uid, gid] = await Promise.all([idOf('-u', name), idOf('-g', name)])
    if (uid !== undefined && gid !== undefined) return { uid, gid }
  }
  throw new Error('There is no user that PostgreSQL could run as.')
}

async function idOf(which: string, name: string): Promise<number | undefined> {
  return run('id', [which, name]).then(
    ({ stdout }) => Number(stdout),
    () => undefined,
  )
}
