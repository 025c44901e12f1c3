import assert from 'node:assert/strict'
import fc from 'fast-check'
import { parseConfig } from '../../cli/src/config/parse.ts'
import { Fault } from '../../cli/src/lib/fault.ts'
import { lineOf } from '../../cli/src/lib/output.ts'
import { bodies, largeBodies } from './hostile-inputs.ts'
import { checkMessage, type Reader } from './hostile-reader.ts'

/** bytes. The command line refuses a longer file before it parses the file. */
const LONGEST = 131_072
const PATH = '/home/ann/.config/llm-refresh/config.jsonc'

/** Parses a configuration. If that fails, the error must be one readable line with exit code 2. */
function read(text: string): void {
  try {
    const config = parseConfig({ path: PATH }, text)
    assert.equal(config.version, 1)
    assert.equal(Object.getPrototypeOf(config), Object.prototype)
  } catch (error) {
    if (!(error instanceof Fault)) throw error
    assert.equal(error.exitCode, 2)
    checkMessage(lineOf(error))
  }
}

const NAMES =
  'version stores credentials routes proxy default work api type path url source command clientId clientSecret issuer tokenEndpoint grant store credential to preset sealedWith __proto__ constructor'.split(
    ' ',
  )
const leaf = fc.oneof(
  fc.constantFrom<unknown>(
    1,
    2,
    'file',
    'redis',
    'oauth',
    'env',
    'default',
    'work',
    'https://api.example.com/v1',
    'http://a:b@c',
    'canary\u001B[2J',
    '\u202Ex',
    'a'.repeat(5_000),
    null,
    -1,
    Infinity,
    { env: 'A' },
    { file: 'a' },
    { command: [] },
    ['a'],
  ),
  fc.jsonValue({ maxDepth: 2 }),
)
const fields = (value: fc.Arbitrary<unknown>): fc.Arbitrary<Record<string, unknown>> =>
  fc.dictionary(
    fc.oneof(
      { weight: 5, arbitrary: fc.constantFrom(...NAMES) },
      { weight: 1, arbitrary: fc.string({ maxLength: 80, unit: 'binary' }) },
    ),
    value,
    { maxKeys: 5 },
  )
const section = fields(fields(leaf))
const configurations: fc.Arbitrary<string> = fc.oneof(
  fc
    .record(
      {
        version: fc.constantFrom<unknown>(1, 1, 1, 2, '1'),
        stores: section,
        credentials: section,
        routes: section,
      },
      { requiredKeys: [] },
    )
    .map((whole) => JSON.stringify(whole)),
  fields(leaf).map((whole) => `// a comment\n${JSON.stringify(whole)},`),
  fields(leaf).map((whole) => `\uFEFF${JSON.stringify(whole).slice(0, -2)}`),
  fc
    .tuple(fields(leaf), fields(leaf))
    .map(([one, other]) => `${JSON.stringify(one).slice(0, -1)},${JSON.stringify(other).slice(1)}`),
  bodies,
)

/** Configurations of the command line. */
export const CONFIGURATION: Reader = {
  name: 'configurations',
  inputs: configurations,
  share: 40,
  read,
  large: (part) => {
    const length = Math.floor(LONGEST * part)
    const many = (count: number, member: (n: number) => string): string =>
      Array.from({ length: count }, (_, n) => member(n)).join(',')
    return [
      ...largeBodies(length),
      ['comments', '/* */'.repeat(length / 5)],
      ['lines of comments', '//\n'.repeat(length / 3)],
      [
        'credentials',
        `{"version":1,"credentials":{${many(length / 40, (n) => `"c${n}":{"source":"env","variable":"A"}`)}}}`,
      ],
      [
        'a credential that is none of many',
        `{"version":1,"credentials":{${many(length / 40, (n) => `"c${n}":{"source":"env","variable":"A"}`)}},"routes":{"a":{"to":"https://a.example","credential":"nobody"}}}`,
      ],
      ['a long name', `{"version":1,"${'a'.repeat(length)}":1}`],
      [
        'a name that stands twice',
        `{"version":1,"${'a'.repeat(length / 2)}":1,"${'a'.repeat(length / 2)}":1}`,
      ],
      [
        'a long name of a credential',
        `{"version":1,"routes":{"a":{"to":"https://a.example","credential":"${'a'.repeat(length)}"}}}`,
      ],
      ['a long name of a route', `{"version":1,"routes":{"${'a'.repeat(length)}":1}}`],
    ]
  },
}
