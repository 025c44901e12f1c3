import { isIdentifier, type Node } from 'typescript/unstable/ast'
import type { Project, Symbol } from 'typescript/unstable/sync'
import { SymbolFlags } from 'typescript/unstable/sync'

/** Something that a module of the package declares: by its file and its name. */
export interface Declared {
  readonly name: string
  /** From the package's root. */
  readonly file: string
}

/** What a reader of the types comes to, and from where. */
export interface Reached extends Declared {
  readonly from: string
}

/** What a signature can name. Its own members, parameters and type parameters are part of it. */
const NAMED =
  SymbolFlags.Class | SymbolFlags.Interface | SymbolFlags.TypeAlias | SymbolFlags.BlockScopedVariable

/** Collects what the entries of a package export, and all that their declarations name, down to the last one. */
export class Reachable {
  readonly #folder: string
  readonly #exported = new Map<string, Declared>()
  readonly #reached = new Map<string, Reached>()

  /** @param folder holds the built declarations, with a slash at its end; what others declare is their business */
  constructor(folder: string) {
    this.#folder = folder
  }

  /** Notes the exports of an entry, without their aliases. */
  add(project: Project, exports: readonly Symbol[]): void {
    for (const symbol of exports) {
      const declared = this.#declared(symbol)
      if (declared !== undefined) this.#exported.set(key(declared), declared)
    }
    const walked = new Set<string>()
    const walk = (symbol: Symbol): void => {
      const from = this.#declared(symbol)
      if (from === undefined || walked.has(key(from))) return
      walked.add(key(from))
      for (const next of named(project, symbol)) {
        const declared = this.#declared(next)
        if (declared === undefined) continue
        if (!this.#reached.has(key(declared)))
          this.#reached.set(key(declared), { ...declared, from: from.name })
        walk(next)
      }
    }
    for (const symbol of exports) walk(symbol)
  }

  /** What can be reached, and has no name that a user could import. */
  unexported(): Reached[] {
    return [...this.#reached].filter(([id]) => !this.#exported.has(id)).map(([, reached]) => reached)
  }

  /** Different things that entries export under one name. */
  alike(): Declared[] {
    const all = [...this.#exported.values()]
    return all.filter(({ name, file }) => all.some((other) => other.name === name && other.file !== file))
  }

  #declared({ name, declarations }: Symbol): Declared | undefined {
    const path = declarations[0]?.path
    return path?.startsWith(this.#folder) === true
      ? { name, file: path.slice(this.#folder.length) }
      : undefined
  }
}

function key({ file, name }: Declared): string {
  return `${file}#${name}`
}

/** The types and constants that the declarations of a symbol name. */
function named(project: Project, symbol: Symbol): Symbol[] {
  const found: Node[] = []
  const visit = (node: Node): void => {
    if (isIdentifier(node)) found.push(node)
    node.forEachChild(visit)
  }
  for (const handle of symbol.declarations) {
    const node = handle.resolve(project)
    if (node !== undefined) visit(node)
  }
  return project.checker
    .getSymbolAtLocation(found)
    .flatMap((at) => (at === undefined ? [] : [resolved(project, at)]))
    .filter(({ flags }) => (flags & NAMED) !== 0)
}

/** What an import or an export stands for. */
export function resolved(project: Project, symbol: Symbol): Symbol {
  return (symbol.flags & SymbolFlags.Alias) === 0 ? symbol : project.checker.getAliasedSymbol(symbol)
}
