import { readFile } from 'node:fs/promises'
import { expect, test } from 'vitest'

/** Messages that only a program's own code leads to, and no configuration file. */
const PROGRAMS = [
  // Its own functions: a source, a builder, a test.
  /^The source gave no token: its issue\(\)/,
  /^The source's issue\(\), or the refresh function, threw/,
  /^The test servers /,
  /^map\(\) /,
  /^set\(\) /,
  // Its own store.
  /^The store gave what is no record: /,
  // A login in two halves, which a web server makes.
  /^'binding' must be the one that begin\(\) gave\.$/,
  / The code was not sent: call finish\(\) again with the same URL\.$/,
  /^This login was begun in another browser: /,
  // A program gives these values itself; a configuration file names them.
  /^'credentials' gave no /,
  /^'keys' (?:gave no keys|must give the SHA-256)/,
  /^'key' must be given to get\(\)\.$/,
  /^'(?:clock|store|source|subjectToken|refresher)' must be /,
]
/** Only a program's own code leads to these error codes. */
const CODES_OF_PROGRAMS =
  /^(?:body_not_replayable|invalid_(?:provider|request|stream|value)|refresh_reentrant)$/
/** Words of protocols, files and servers, which messages quote as options are quoted. */
const QUOTED = new Set(
  'client_credentials client_secret_post code env error.cause iss offline_access state authorization_servers client_id code_challenge_methods_supported unlisted'.split(
    ' ',
  ),
)

interface Row {
  readonly code: string
  readonly message: string
  /** With what it says to do, where parts of it are known only at run time. */
  readonly whole: string
}

/** Each message of the page. */
async function rows(): Promise<Row[]> {
  const page = await readFile(new URL('../../docs/messages.md', import.meta.url), 'utf8')
  return page.split(/^## /m).flatMap((section) => {
    const code = /^`(\w+)`/.exec(section)?.[1] ?? 'several'
    return [...section.matchAll(/^\| (?!situation|---)(.*) \|$|^- (.*)$/gm)].map(([, row, listed = '']) => {
      const text = (row ?? `|${listed}`).replaceAll(/\\([[\]_*<])/g, '$1')
      const [, message = '', remedy = ''] = text.split(/(?<!\\)\|/).map((cell) => cell.trim())
      return { code, message, whole: `${message} ${remedy}` }
    })
  })
}

const isForAll = ({ code, message }: Row): boolean =>
  !CODES_OF_PROGRAMS.test(code) && !PROGRAMS.some((each) => each.test(message))

test('[E5] given what a source, a store or a refresh leads to, then its message names no function', async () => {
  const all = await rows()
  expect(all.length).toBeGreaterThan(400)
  expect(all.filter(isForAll).filter(({ whole }) => /\w\(/.test(whole))).toEqual([])
})

test('[E5] given the same messages, then each option that they name is one of the configuration file, too', async () => {
  const schema = await readFile(new URL('../../cli/config.schema.json', import.meta.url), 'utf8')
  const fields = new Set([...schema.matchAll(/"(\w+)": [{[]/g)].map(([, name]) => name))
  expect(fields).toContain('clientMetadataUrl')
  const unknown = (await rows())
    .filter(isForAll)
    .filter(({ code }) => code !== 'invalid_option' && code !== 'redirect_refused')
    .flatMap(({ whole, message }) =>
      [...whole.matchAll(/(?<![\w…])'([a-z]\w*(?:\.\w+)*)'|\[(\w+)\]/g)].map(([, quoted = '', symbol]) => ({
        name: symbol ?? quoted,
        message,
      })),
    )
    .filter(({ name }) => !QUOTED.has(name) && !name.split('.').every((part) => fields.has(part)))
  expect(unknown).toEqual([])
})

test('[E5] given the messages that only a program leads to, then each of the list is one of the page', async () => {
  const all = await rows()
  expect(PROGRAMS.filter((each) => !all.some(({ message }) => each.test(message)))).toEqual([])
})
