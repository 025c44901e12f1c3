/** What is known of a kind of API, and of the tools that speak it. */
export interface Preset {
  /** Where its requests go; undefined: each has its own host. */
  readonly to: string | undefined
  /** The header that carries the token to the vendor. */
  readonly apply: string
  /**
   * The variables that its tools read; undefined takes one away, for it would win over the others.
   *
   * @param base of the route on the local proxy, without a slash at its end
   */
  readonly variables: (base: string, key: string) => Readonly<Record<string, string | undefined>>
}

export const presetNames = ['openai', 'anthropic', 'google', 'openai-compatible', 'mcp'] as const

export const presets: Readonly<Record<(typeof presetNames)[number], Preset>> = {
  openai: {
    to: 'https://api.openai.com',
    apply: 'authorization',
    variables: (base, key) => openai(`${base}/v1`, key),
  },
  anthropic: {
    to: 'https://api.anthropic.com',
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
    apply: 'authorization',
    variables: (base, key) => ({ GEMINI_API_KEY: key, GOOGLE_API_KEY: key, GOOGLE_GEMINI_BASE_URL: base }),
  },
  'openai-compatible': {
    to: undefined,
    apply: 'authorization',
    variables: openai,
  },
  mcp: {
    to: undefined,
    apply: 'authorization',
    variables: () => ({}),
  },
}

/** `OPENAI_API_BASE` is what LiteLLM reads, and aider with it. */
function openai(base: string, key: string): Record<string, string> {
  return { OPENAI_API_KEY: key, OPENAI_BASE_URL: base, OPENAI_API_BASE: base }
}
