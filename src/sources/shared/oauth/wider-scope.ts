import type { Source } from '../../../credential/source.ts'

/** What a source asks for besides its `scope`: what a remote side demanded, and what was granted by then. It lives as long as the source. */
export class WiderScope {
  /** See `Source.widen()`. */
  readonly widen: NonNullable<Source['widen']> = (scopes, granted = '') => {
    const before = this.#names
    this.#names = [...new Set([...before, ...namesIn(granted), ...scopes])]
    return () => {
      this.#names = before
    }
  }
  #names: readonly string[] = []

  get names(): readonly string[] {
    return this.#names
  }

  /** Both, as a request carries them; undefined for none. */
  with(scope: string | undefined): string | undefined {
    // As it is configured, where nothing was demanded.
    if (this.#names.length === 0) return scope === '' ? undefined : scope
    return [...new Set([...namesIn(scope), ...this.#names])].join(' ')
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
