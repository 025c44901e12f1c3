import { execFile } from 'node:child_process'
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'
import { temporaryFolder } from '../support/folder.ts'

const exec = promisify(execFile)
const root = join(import.meta.dirname, '..', '..')

interface Manifest {
  version: string
  dependencies: Record<string, string>
  devDependencies: Record<string, string>
}

async function manifest(path: string): Promise<Manifest> {
  return JSON.parse(await readFile(path, 'utf8')) as Manifest
}

test('[L1] given both packages as they are published, when they are installed into an empty folder, then `llm-refresh` runs, prints a token, and names the package that another source needs', async () => {
  const folder = await temporaryFolder()
  const packed = join(folder, 'packed')
  const empty = join(folder, 'empty')
  await Promise.all([mkdir(packed), mkdir(empty)])
  // What the build has made is packed: other tests run it meanwhile.
  const places = ['.', './cli']
  await exec('npm', ['pack', '--silent', '--ignore-scripts', '--pack-destination', packed, ...places], {
    cwd: root,
  })
  const { version } = await manifest(join(root, 'package.json'))
  const tarballs = ['llm-refresh', 'llm-refresh-cli'].map((name) => join(packed, `${name}-${version}.tgz`))
  await writeFile(join(empty, 'package.json'), '{ "private": true }')
  await exec('npm', ['install', '--silent', '--no-audit', '--no-fund', '--prefer-offline', ...tarballs], {
    cwd: empty,
  })
  const command = join(empty, 'node_modules', '.bin', 'llm-refresh')
  expect((await exec(command, ['--version'], { cwd: empty })).stdout).toBe(`${version}\n`)
  const npx = await exec('npx', ['--offline', '--no-install', 'llm-refresh-cli', 'demo'], { cwd: empty })
  expect(npx.stdout).toContain('"event":"done","ok":true')
  const config = join(empty, 'config.jsonc')
  await writeFile(
    config,
    JSON.stringify({
      version: 1,
      credentials: { work: { source: 'env', name: 'KEY' }, vertex: { source: 'google' } },
    }),
    { mode: 0o600 },
  )
  const env = { ...process.env, KEY: 'a-key', HOME: empty, XDG_STATE_HOME: join(empty, 'state') }
  const token = (name: string) => exec(command, ['token', name, '--config', config], { cwd: empty, env })
  expect((await token('work')).stdout).toBe('a-key\n')
  // What a source needs beside the command is named where it is not there.
  await expect(token('vertex')).rejects.toMatchObject({
    code: 2,
    stderr: expect.stringMatching(
      /^llm-refresh: credentials\.vertex needs the package google-auth-library, .* npm install /,
    ),
  })
}, 240_000)

test('[L1] given the package of the command, when its dependencies are read, then it is built with the exact version of the library, and every other one is exact, too', async () => {
  const { version } = await manifest(join(root, 'package.json'))
  const cli = await manifest(join(root, 'cli', 'package.json'))
  // It is in the bundle: nothing has to be installed for it.
  expect(cli.devDependencies['llm-refresh']).toBe(version)
  expect(cli.version).toBe(version)
  for (const range of Object.values({ ...cli.devDependencies, ...cli.dependencies }))
    expect(range).toMatch(/^\d+\.\d+\.\d+$/)
})
