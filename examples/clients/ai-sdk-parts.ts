import type { Row } from './client.ts'

/** Google's providers always send a key, in their own header. */
export function googleApply(token: string): Record<string, string | undefined> {
  return { authorization: `Bearer ${token}`, 'x-goog-api-key': undefined }
}

interface Provider {
  readonly package: string
  readonly option: string
  readonly apply?: Row['apply']
}

/** The rows of one version of the AI SDK. Each of its providers is a separate package. */
export function aiSdkParts(
  name: string,
  {
    openai,
    anthropic,
    google,
    more = [],
  }: Readonly<Record<'openai' | 'anthropic' | 'google', Provider>> & {
    readonly more?: readonly Row[]
  },
  object: string,
): readonly Row[] {
  const of = (label: string): Pick<Row, 'calls' | 'streams'> => ({
    calls: [`generateText (${label})`],
    streams: [`streamText (${label})`],
  })
  const { calls, streams } = of('openai')
  return [
    {
      name: `${name}, OpenAI`,
      ...openai,
      calls: [...calls, 'tools', 'streamText with tools', object, 'embed'],
      streams,
    },
    ...more,
    { name: `${name}, Anthropic`, ...anthropic, ...of('anthropic') },
    { name: `${name}, Google`, ...google, ...of('google') },
  ]
}
