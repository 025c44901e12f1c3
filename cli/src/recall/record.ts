import { readdirSync, readFileSync } from 'node:fs'

/** The current record: the one with the highest number. undefined if there is none. */
export function highestRecord(folder: string): string | undefined {
  const numbers = readdirSync(folder).map((name) =>
    Number(/^record-([1-9]\d{0,15})\.json$/.exec(name)?.[1] ?? 0),
  )
  const highest = Math.max(0, ...numbers)
  return highest === 0 ? undefined : `record-${highest}.json`
}

/** The access token in a record; undefined if the record is sealed, or has no token. */
export function tokenIn(path: string): string | undefined {
  const record: unknown = JSON.parse(readFileSync(path, 'utf8'))
  const token: unknown = Reflect.get(Object(record), 'token')
  const accessToken: unknown = Reflect.get(Object(token), 'accessToken')
  return typeof accessToken === 'string' ? accessToken : undefined
}
