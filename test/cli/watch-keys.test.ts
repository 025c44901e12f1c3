import { execFileSync } from 'node:child_process'
import { rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { changeKeys, type StoredKey } from '../../cli/src/setup/key-file.ts'
import { watchKeys } from '../../cli/src/setup/watch-keys.ts'
import { temporaryFolder } from '../support/folder.ts'
import { until } from '../support/until.ts'

const keyNamed = (name: string): StoredKey => ({ name, hash: 'a'.repeat(64), createdAt: 0 })

test('[X1] given keys that were read, when one is removed before the proxy listens, then the proxy learns that as soon as it watches', async () => {
  const path = join(await temporaryFolder(), 'keys.json')
  await changeKeys(() => [keyNamed('laptop'), keyNamed('tablet')], path)
  const watched = await watchKeys(path)
  onTestFinished(watched.stop)
  expect(watched.keys.map(({ name }) => name)).toEqual(['laptop', 'tablet'])

  await changeKeys((keys) => keys.filter(({ name }) => name !== 'laptop'), path)
  const heard = await new Promise<readonly StoredKey[]>((resolve, reject) => watched.start(resolve, reject))
  expect(heard.map(({ name }) => name)).toEqual(['tablet'])
})

test('[X1] [L1] given keys that were read, when their file is damaged before the proxy listens, then the proxy gets the error, and later the mended keys', async () => {
  const path = join(await temporaryFolder(), 'keys.json')
  const watched = await watchKeys(path)
  onTestFinished(watched.stop)
  expect(watched.keys).toEqual([])

  await writeFile(path, '{ "version": 1, "ke', { mode: 0o600 })
  const heard: (readonly StoredKey[])[] = []
  const error = await new Promise((resolve) => watched.start((keys) => heard.push(keys), resolve))
  expect(error).toMatchObject({ message: `${path} is damaged.` })

  await writeFile(path, JSON.stringify({ version: 1, keys: [keyNamed('laptop')] }))
  await until(async () => heard.length > 0)
  expect(heard[0]?.map(({ name }) => name)).toEqual(['laptop'])
})

test('[X1] [L1] given keys that were read, when a pipe replaces their file, then the proxy gets an error, and later the keys of a new file', async () => {
  const path = join(await temporaryFolder(), 'keys.json')
  const watched = await watchKeys(path)
  onTestFinished(watched.stop)
  execFileSync('sh', ['-c', 'mkfifo -m 600 "$0"', path])
  const heard: (readonly StoredKey[])[] = []
  const error = await new Promise((resolve) => watched.start((keys) => heard.push(keys), resolve))
  expect(error).toMatchObject({ message: `${path} is no file.` })

  await rm(path)
  await changeKeys(() => [keyNamed('laptop')], path)
  await until(async () => heard.some(([key]) => key?.name === 'laptop'))
})
