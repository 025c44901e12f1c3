import { type ChildProcess, fork, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { freePort } from '../../test/support/free-port.ts'
import { installed } from '../../test/support/packages.ts'
import { type Aim, aimAt, opened } from './load.ts'

/** A proxy that runs in its own process. */
export interface Subject {
  readonly pid: number
  readonly aim: Aim
  /** Sends a question to the process. It responds with a number: 'memory' in bytes, 'profiled' as a share; 'profile' starts the profiler. */
  ask(what: 'memory' | 'profile' | 'profiled'): Promise<number>
  end(): Promise<void>
}

export async function startUpstream(): Promise<{ port: number; end(): void }> {
  const child = fork(new URL('upstream.mjs', import.meta.url), {
    stdio: ['ignore', 'pipe', 'inherit', 'ipc'],
  })
  const port = Number(await firstLine(child))
  return { port, end: () => void child.kill() }
}

export async function start(kind: 'ours' | 'bare' | 'httpxy', upstream: number): Promise<Subject> {
  const folder = kind === 'httpxy' ? [await installed('bench', ['httpxy@0.5.6'])] : []
  const child = fork(
    new URL('subject.mjs', import.meta.url),
    [kind, `http://127.0.0.1:${upstream}`, ...folder],
    { stdio: ['ignore', 'pipe', 'inherit', 'ipc'], execArgv: ['--expose-gc'] },
  )
  const told = JSON.parse(await firstLine(child)) as { port: number; key?: string }
  return {
    pid: child.pid ?? 0,
    aim: told.key === undefined ? aimAt(told.port) : aimAt(told.port, '/api', told.key),
    ask: async (what) => {
      const answer = once(child, 'message')
      child.send(what)
      return Number((await answer)[0])
    },
    end: () => ended(child),
  }
}

const NGINX = ['/usr/sbin/nginx', '/usr/bin/nginx', '/usr/local/bin/nginx', '/opt/homebrew/bin/nginx']

/** Starts nginx with one worker, keep-alive to the upstream, and a fixed header. undefined: nginx is not installed here. */
export async function startNginx(upstream: number): Promise<Subject | undefined> {
  const binary = NGINX.find((path) => existsSync(path))
  if (binary === undefined) return undefined
  const folder = mkdtempSync(join(tmpdir(), 'llm-refresh-bench-'))
  const port = await freePort()
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi']
    .map((name) => `${name}_temp_path ${folder}/${name};`)
    .join(' ')
  writeFileSync(
    join(folder, 'nginx.conf'),
    `daemon off; master_process off; worker_processes 1; pid ${folder}/pid; error_log ${folder}/log;
events { worker_connections 4096; }
http {
  access_log off; keepalive_requests 1000000; ${temporary}
  upstream api { server 127.0.0.1:${upstream}; keepalive 64; keepalive_requests 1000000; }
  server {
    listen 127.0.0.1:${port};
    location / {
      proxy_pass http://api; proxy_http_version 1.1; proxy_buffering off;
      proxy_set_header Connection ""; proxy_set_header Authorization "Bearer token";
    }
  }
}
`,
  )
  const child = spawn(binary, ['-c', join(folder, 'nginx.conf'), '-p', folder], { stdio: 'ignore' })
  await listening(child, port)
  return {
    pid: child.pid ?? 0,
    aim: aimAt(port),
    ask: async () => Number.NaN,
    end: async () => {
      await ended(child)
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

async function listening(child: ChildProcess, port: number): Promise<void> {
  while (child.exitCode === null) {
    const socket = await opened(port).catch(() => undefined)
    socket?.destroy()
    if (socket !== undefined) return
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
  throw new Error(`nginx ended with ${child.exitCode}`)
}

async function ended(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const exit = once(child, 'exit')
  child.kill()
  await exit
}

async function firstLine(child: ChildProcess): Promise<string> {
  if (child.stdout === null) throw new Error('The process has no stdout.')
  return String((await once(child.stdout, 'data'))[0]).split('\n')[0] ?? ''
}
