/** What is known of a kind of API, and of the tools that speak it. */
export interface Preset {
  /** Where its requests go, where the route does not say: what its tools take for a base URL by themselves. undefined: each has its own. */
  readonly to: string | undefined
  /** Who writes the version of the API, such as `/v1`: the base URL ends with it, or the clients add it. undefined: `to` is taken as it is. */
  readonly version: 'base' | 'clients' | undefined
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
    version: 'base',
    path: '/chat/completions',
    apply: 'authorization',
    variables: openai,
  },
  anthropic: {
    to: 'https://api.anthropic.com',
    version: 'clients',
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
    version: 'clients',
    path: '/v1beta/models',
    apply: 'authorization',
    variables: (base, key) => ({ GEMINI_API_KEY: key, GOOGLE_API_KEY: key, GOOGLE_GEMINI_BASE_URL: base }),
  },
  'openai-compatible': {
    to: undefined,
    version: undefined,
    path: '/chat/completions',
    apply: 'authorization',
    variables: openai,
  },
  mcp: {
    to: undefined,
    version: undefined,
    path: '',
    apply: 'authorization',
    variables: () => ({}),
  },
}

/** `OPENAI_API_BASE` is what LiteLLM reads, and aider with it. */
function openai(base: string, key: string): Record<string, string> {
  return { OPENAI_API_KEY: key, OPENAI_BASE_URL: base, OPENAI_API_BASE: base }
}
