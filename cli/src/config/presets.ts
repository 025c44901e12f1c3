/** The facts about a kind of API, and about the tools that use it. */
export interface Preset {
  /** The base URL for a route without `to`: the URL that the tools use by default. undefined if there is no common one. */
  readonly to: string | undefined
  /** True if the clients add the version of the API, such as `/v1`, to their base URL. */
  readonly addsVersion: boolean
  /** The version at the end of the tools' base URL. We add it if `to` has none, because many people write only the host. */
  readonly version?: string
  /** A path that the clients add to their base URL. */
  readonly path: string
  /** The header in which the vendor expects the token. */
  readonly apply: string
  /**
   * The environment variables that the tools read. A variable that is undefined is removed, because it would win over the others. A tool's
   * base URL must be the route's URL on the local proxy.
   *
   * @param base the route's URL on the local proxy, without a slash at its end
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

/** Matches the version of an API at the end of a base URL: `/v1`, `/v1beta`. */
export const VERSION = /\/v\d\w*\/*$/

export function hasVersion(base: string): boolean {
  return VERSION.test(new URL(base).pathname)
}

/** The version that has to follow a route's URL for the tools of a preset: the preset's version, unless `to` already has one. */
export function missingVersion({ version = '' }: Preset, to: string): string {
  return hasVersion(to) ? '' : version
}

/** The variables of OpenAI's tools. LiteLLM, and aider through it, reads `OPENAI_API_BASE`. */
function openai(base: string, key: string): Record<string, string> {
  return { OPENAI_API_KEY: key, OPENAI_BASE_URL: base, OPENAI_API_BASE: base }
}
