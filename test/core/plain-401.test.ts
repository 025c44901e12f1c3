import { expect, test } from 'vitest'
import { verdict } from '../../src/core/verdict/unauthorized.ts'
import { ResponseJudge } from '../../src/surfaces/shared/response-judge.ts'
import { HTTP_OTHERS } from './corpus/http-others.ts'
import { HTTP_REJECTIONS } from './corpus/http-rejections.ts'
import { SAY_OTHERWISE, SAY_REJECTED } from './corpus/sentences.ts'

const textOf = (body: unknown): string => (typeof body === 'string' ? body : JSON.stringify(body))

/** Bodies that turn a 401 into something else, or that its verdict is to tell of; some spell it in JSON's ways. */
const TELLING = [
  '{"error":"insufficient_scope"}',
  String.raw`{"error":"insufficient\u005fsc\u006fpe"}`,
  String.raw`{"message":"denied:\ninsufficient scope"}`,
  JSON.stringify({ error: { message: JSON.stringify({ error: 'The token lacks the required scope' }) } }),
  `${' '.repeat(20_000)}{"error":"insufficient_scope"}`,
  `{"error":"${'x'.repeat(70_000)} insufficient_scope"}`,
  '{"challenge":"Bearer claims=x"}',
  '{"headers":{"www-authenticate":"Bearer claims=x"}}',
  '{"responseHeaders":{"WWW-Authenticate":"Bearer claims=x"}}',
  '{"error":{"headers":{"x-llm-refresh":"refresh_failed"}}}',
  String.raw`{"\u0063hallenge":"Bearer claims=x"}`,
]
const HEADERS = [
  {},
  { 'www-authenticate': 'Bearer error="invalid_token"' },
  { 'WWW-Authenticate': 'Bearer realm="x"' },
  { 'www-authenticate': 'Bearer error="insufficient_scope"' },
  { 'x-amzn-errortype': 'insufficient_scope' },
  { 'x-llm-refresh': 'refresh_failed' },
]

test('[U2] given any 401 of the corpus, when its status alone is judged, then the verdict is the same as that of all its facts', () => {
  const bodies = [
    '',
    ...[...HTTP_REJECTIONS, ...HTTP_OTHERS].map(({ body }) => textOf(body)),
    ...[...SAY_REJECTED, ...SAY_OTHERWISE].map(textOf),
    ...TELLING,
  ]
  const judge = new ResponseJudge(undefined)
  for (const body of bodies) {
    for (const plain of HEADERS) {
      for (const headers of [plain, new Headers(Object.entries(plain))]) {
        const response = { status: 401, headers, body }
        const expected = verdict(response)
        // Once more: a judge knows the body that it saw last.
        for (let time = 0; time < 2; time++) expect(judge.answer(401, headers, body), body).toEqual(expected)
      }
    }
  }
})

test('[U2] given a user’s rule for 401, when a 401 comes, then the rule is called with all facts', () => {
  const asked: unknown[] = []
  const rules = {
    expired: {
      statuses: [401],
      matches: ({ text, names }: { text: string; names: readonly string[] }) => {
        asked.push([text.includes('no'), names])
        return 'accepted' as const
      },
    },
  }
  const judge = new ResponseJudge(rules)
  expect(judge.answer(401, {}, '{"error":{"code":"token_expired","message":"no"}}')).toMatchObject({
    rejected: false,
    rule: 'expired',
  })
  expect(asked).toEqual([[true, ['token_expired']]])
})

test('[U2] given a default rule that is switched off, when a 401 comes, then it is still a rejection', () => {
  const judge = new ResponseJudge({ expired_token: false })
  expect(judge.answer(401, {}, '')).toMatchObject({
    rejected: true,
    rule: 'status_401',
  })
})
