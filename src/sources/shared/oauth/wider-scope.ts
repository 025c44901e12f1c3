import type { Source } from '../../../credential/source.ts'

/** What a source asks for besides its `scope`: what a remote side demanded, and what was granted by then. It lives as long as the source. */
export class WiderScope {
  /** One for each demand, so that one that is refused takes no other with it. */
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

  /** Both, as a request carries them; undefined for none. */
  with(scope: string | undefined): string | undefined {
    const { names } = this
    // As it is configured, where nothing was demanded.
    if (names.length === 0) return scope === '' ? undefined : scope
    return [...new Set([...namesIn(scope), ...names])].join(' ')
  }

  /** The endpoint refuses the scopes that it granted once. @returns whether there were any */
  forget(): boolean {
    const had = this.#wishes.size > 0
    this.#wishes.clear()
    return had
  }
}

/** A response that tells no scope grants what was asked for (RFC 6749 section 5.1). */
export function withScope<T extends { readonly scope?: string | undefined }>(
  token: T,
  asked: string | undefined,
): T {
  return asked === undefined || token.scope !== undefined ? token : { ...token, scope: asked }
}

export function namesIn(scope: string | undefined): string[] {
  return (scope ?? '').split(' ').filter((name) => name !== '')
}
