import type { Source } from '../../../credential/source.ts'

/** The scopes that a source requests besides its `scope`: demanded ones, and those that were granted by then. It lives as long as the source. */
export class WiderScope {
  /** One entry for each demand, so that withdrawing a refused demand keeps the others. */
  readonly #wishes = new Set<readonly string[]>()

  /** See `Source.widen()`. */
  readonly widen: NonNullable<Source['widen']> = (scopes, granted) => {
    const wish = [...namesIn(granted), ...scopes]
    this.#wishes.add(wish)
    return () => this.#wishes.delete(wish)
  }

  get names(): readonly string[] {
    return [...new Set([...this.#wishes].flat())]
  }

  /** The configured scope and the demanded ones, as a request carries them; undefined if there are none. */
  with(scope: string | undefined): string | undefined {
    const { names } = this
    // Without a demand the configured scope stays exactly as the user spelled it.
    if (names.length === 0) return scope === '' ? undefined : scope
    return [...new Set([...namesIn(scope), ...names])].join(' ')
  }

  /** Forgets all demands, because the endpoint now refuses scopes that it granted before. @returns whether there were any */
  forget(): boolean {
    const had = this.#wishes.size > 0
    this.#wishes.clear()
    return had
  }
}

/** Adds the requested scope to a token whose response states none: the server then granted that scope (RFC 6749 section 5.1). */
export function withScope<T extends { readonly scope?: string | undefined }>(
  token: T,
  asked: string | undefined,
): T {
  return asked === undefined || token.scope !== undefined ? token : { ...token, scope: asked }
}

export function namesIn(scope: string | undefined): string[] {
  return (scope ?? '').split(' ').filter((name) => name !== '')
}
