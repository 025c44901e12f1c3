import type { Metadata } from '../../signature.ts'

/** A content block whose parts are still arriving. */
export interface OpenBlock {
  readonly kind: 'text' | 'reasoning' | 'tool'
  /** Assigned at the first delta, so that a block without deltas leaves no gap. */
  index: number | undefined
  /** The merged metadata of all parts so far. */
  metadata: Metadata
  /** True once a delta of a tool's input has arrived. */
  hasInput: boolean
}

/** The blocks of one stream: keeps those whose parts are still arriving, by kind and id, and counts the indexes of all. */
export class OpenBlocks {
  readonly #open = new Map<string, OpenBlock>()
  #indexes = 0

  /** Opens a block. The stream may use the id again after the block has ended: that is another block. */
  start(kind: OpenBlock['kind'], id: string, metadata: Metadata | undefined): OpenBlock {
    const block: OpenBlock = { kind, index: undefined, metadata: {}, hasInput: false }
    note(block, metadata)
    this.#open.set(`${kind}:${id}`, block)
    return block
  }

  find(kind: OpenBlock['kind'], id: string): OpenBlock | undefined {
    return this.#open.get(`${kind}:${id}`)
  }

  /** The block that a later part belongs to. Opens it if no part has announced it. */
  resume(kind: OpenBlock['kind'], id: string, metadata: Metadata | undefined): OpenBlock {
    const block = this.find(kind, id)
    if (block === undefined) return this.start(kind, id, metadata)
    note(block, metadata)
    return block
  }

  end(kind: OpenBlock['kind'], id: string): void {
    this.#open.delete(`${kind}:${id}`)
  }

  /** Closes the blocks that are still open at the end of the stream, and returns them. */
  endAll(): OpenBlock[] {
    const blocks = [...this.#open.values()]
    this.#open.clear()
    return blocks
  }

  indexOf(block: OpenBlock): number {
    block.index ??= this.nextIndex()
    return block.index
  }

  /** The index of the next block. A block that arrives whole takes it directly. */
  nextIndex(): number {
    return this.#indexes++
  }
}

/** Merges new metadata. A missing field, or one that is null, keeps its earlier value. */
export function note(block: OpenBlock, metadata: Metadata | undefined): void {
  for (const [namespace, fields] of Object.entries(metadata ?? {})) {
    const said = Object.entries(fields ?? {}).filter(([, value]) => value !== null && value !== undefined)
    block.metadata = {
      ...block.metadata,
      [namespace]: { ...block.metadata[namespace], ...Object.fromEntries(said) },
    }
  }
}
