/** What is known of a kind of API, and of the tools that speak it. */
export interface Preset {
  /** Where its requests go, where the route does not say: what its tools take for a base URL by themselves. undefined: each has its own. */
  readonly to: string | undefined
  /** The clients add the version of the API, such as `/v1`, to their base URL. */
  readonly addsVersion: boolean
  /** The version that the base URL of its tools ends with, where `to` has none: many write the host alone. */
  readonly version?: string
  /** A path that its clients add to their base URL. */
  readonly path: string
  /** The header that carries the token to the vendor. */
  readonly apply: string
  /**
   * The variables that its tools read; undefined takes one away, for it would win over the others. The base URL of a tool is the route's:
   * `to` is what it would be without us.
   *
   * @param base of the route on the local proxy, without a slash at its end
   */
  readonly variables: (base: string, key: string) => Readonly<Record<string, string | undefined>>
}

export const presetNames = ['openai', 'anthropic', 'google', 'openai-compatible', 'mcp'] as const

export type PresetName = (typeof presetNames)[number]

export const presets: Readonly<Record<PresetName, Preset>> = {
  openai: {
    to: 'https://api.openai.com/v1',
    addsVersion: false,
    path: '/chat/completions',
    apply: 'authorization',
    version: '/v1',
    variables: openai,
  },
  anthropic: {
    to: 'https://api.anthropic.com',
    addsVersion: true,
    path: '/v1/messages',
    apply: 'authorization',
    variables: (base, key) => ({
      ANTHROPIC_API_KEY: key,
      ANTHROPIC_AUTH_TOKEN: undefined,
      ANTHROPIC_BASE_URL: base,
      ANTHROPIC_API_BASE: base,
    }),
  },
  google: {
    to: 'https://generativelanguage.googleapis.com',
    addsVersion: true,
    path: '/v1beta/models',
    apply: 'authorization',
    variables: (base, key) => ({ GEMINI_API_KEY: key, GOOGLE_API_KEY: key, GOOGLE_GEMINI_BASE_URL: base }),
  },
  'openai-compatible': {
    to: undefined,
    addsVersion: false,
    path: '/chat/completions',
    apply: 'authorization',
    variables: openai,
  },
  mcp: {
    to: undefined,
    addsVersion: false,
    path: '',
    apply: 'authorization',
    variables: () => ({}),
  },
}

/** The version of an API at the end of a base URL: `/v1`, `/v1beta`. */
export const VERSION = /\/v\d\w*\/*$/

export function hasVersion(base: string): boolean {
  return VERSION.test(new URL(base).pathname)
}

/** What the tools of a preset need behind the URL of a route, besides what they add. */
export function missingVersion({ version = '' }: Preset, to: string): string {
  return hasVersion(to) ? '' : version
}

/** `OPENAI_API_BASE` is what LiteLLM reads, and aider with it. */
function openai(base: string, key: string): Record<string, string> {
  return { OPENAI_API_KEY: key, OPENAI_BASE_URL: base, OPENAI_API_BASE: base }
}
