import { chmod, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const bundle = fileURLToPath(new URL('../../cli/dist/llm-refresh.cjs', import.meta.url))

/** A command of a page, and what the page shows below it. */
export interface Step {
  readonly command: string
  readonly output: string
}

/** The blocks of a page, in their order. */
export function blocksOf(text: string): { readonly language: string; readonly block: string }[] {
  return [...text.matchAll(/^```(\w+)\n(.*?)^```$/gms)].map(([, language = '', block = '']) => ({
    language,
    block,
  }))
}

/** What a person types in a block of a console, and what they see then. */
export function stepsOf(block: string): Step[] {
  return block
    .split(/^\$ /m)
    .slice(1)
    .map((step) => {
      const end = step.indexOf('\n')
      return { command: step.slice(0, end), output: step.slice(end + 1) }
    })
}

/** The first block of a language on a page. */
export function blockOf(text: string, language: string): string {
  return blocksOf(text).find((each) => each.language === language)?.block ?? ''
}

/** Puts the built command on a PATH. */
export async function installCommand(bin: string): Promise<void> {
  const path = join(bin, 'llm-refresh')
  await writeFile(path, `#!/bin/sh\nexec "${process.execPath}" "${bundle}" "$@"\n`)
  await chmod(path, 0o755)
}
