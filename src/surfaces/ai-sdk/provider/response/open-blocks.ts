import type { Metadata } from '../../signature.ts'

/** A content block whose parts are still arriving. */
export interface OpenBlock {
  readonly kind: 'text' | 'reasoning' | 'tool'
  /** Given at the first delta, so that a block without any leaves no gap. */
  index: number | undefined
  /** The metadata of all its parts. */
  metadata: Metadata
  /** A tool's input has begun. */
  hasInput: boolean
}

/** The blocks of one stream: those whose parts are still arriving, by kind and id, and the indexes of all. */
export class OpenBlocks {
  readonly #open = new Map<string, OpenBlock>()
  #indexes = 0

  /** An id may be used again once its block has ended: it is another block then. */
  start(kind: OpenBlock['kind'], id: string, metadata: Metadata | undefined): OpenBlock {
    const block: OpenBlock = { kind, index: undefined, metadata: {}, hasInput: false }
    note(block, metadata)
    this.#open.set(`${kind}:${id}`, block)
    return block
  }

  find(kind: OpenBlock['kind'], id: string): OpenBlock | undefined {
    return this.#open.get(`${kind}:${id}`)
  }

  /** The block that another part arrives for; a new one, where nothing announced it. */
  resume(kind: OpenBlock['kind'], id: string, metadata: Metadata | undefined): OpenBlock {
    const block = this.find(kind, id)
    if (block === undefined) return this.start(kind, id, metadata)
    note(block, metadata)
    return block
  }

  end(kind: OpenBlock['kind'], id: string): void {
    this.#open.delete(`${kind}:${id}`)
  }

  /** The stream is over: gives the blocks that did not end, and ends them. */
  endAll(): OpenBlock[] {
    const blocks = [...this.#open.values()]
    this.#open.clear()
    return blocks
  }

  indexOf(block: OpenBlock): number {
    block.index ??= this.nextIndex()
    return block.index
  }

  /** The index of a block that comes whole. */
  nextIndex(): number {
    return this.#indexes++
  }
}

/** Merges new metadata: a later part may repeat a field, leave it out, or set it to null. */
export function note(block: OpenBlock, metadata: Metadata | undefined): void {
  for (const [namespace, fields] of Object.entries(metadata ?? {})) {
    const said = Object.entries(fields ?? {}).filter(([, value]) => value !== null && value !== undefined)
    block.metadata = {
      ...block.metadata,
      [namespace]: { ...block.metadata[namespace], ...Object.fromEntries(said) },
    }
  }
}
