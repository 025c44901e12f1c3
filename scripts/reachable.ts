import { isIdentifier, type Node } from 'typescript/unstable/ast'
import type { Project, Symbol } from 'typescript/unstable/sync'
import { SymbolFlags } from 'typescript/unstable/sync'

/** A declaration of the package. */
export interface Declared {
  readonly name: string
  /** The file's path from the package's root. */
  readonly file: string
}

/** A declaration that the types of an export name. `from` is the declaration that names it. */
export interface Reached extends Declared {
  readonly from: string
}

/** The kinds of symbols that a signature can name. Members, parameters and type parameters are left out: they are part of the signature. */
const NAMED =
  SymbolFlags.Class | SymbolFlags.Interface | SymbolFlags.TypeAlias | SymbolFlags.BlockScopedVariable

/** Collects the exports of a package's entries, and every declaration that they name, directly or through others. */
export class Reachable {
  readonly #folder: string
  readonly #exported = new Map<string, Declared>()
  readonly #reached = new Map<string, Reached>()

  /** @param folder the folder of the built declarations, with a slash at its end. Declarations outside it are ignored. */
  constructor(folder: string) {
    this.#folder = folder
  }

  /** Adds the exports of an entry. Aliases must be resolved already. */
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

  /** The declarations that exports name, but that no entry exports. */
  unexported(): Reached[] {
    return [...this.#reached].filter(([id]) => !this.#exported.has(id)).map(([, reached]) => reached)
  }

  /** The exports whose name another entry uses for a different declaration. */
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

/** The symbol behind an import or an export. */
export function resolved(project: Project, symbol: Symbol): Symbol {
  return (symbol.flags & SymbolFlags.Alias) === 0 ? symbol : project.checker.getAliasedSymbol(symbol)
}
