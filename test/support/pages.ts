import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { bundle } from './bundle.ts'
import { temporaryFolder } from './folder.ts'

const root = fileURLToPath(new URL('../../', import.meta.url))

/** The `ts` blocks of a page in docs/. */
export async function codeOf(page: string): Promise<string[]> {
  const text = await readFile(join(root, 'docs', `${page}.md`), 'utf8')
  return [...text.matchAll(/^```ts\n(.*?)^```$/gms)].map(([, code = '']) => code)
}

/**
 * Bundles a file of a project into a program.
 *
 * @returns the path of the program
 */
export function built(folder: string, file: string): Promise<string> {
  return bundle(join(folder, file), join(folder, `${file}.mjs`))
}

/** Makes a project in which `llm-refresh` is the code in `src`. */
export async function project(files: Record<string, string>): Promise<string> {
  const folder = await temporaryFolder()
  const config = {
    extends: join(root, 'tsconfig.json'),
    compilerOptions: {
      paths: {
        'llm-refresh': [join(root, 'src/index.ts')],
        'llm-refresh/provider': [join(root, 'src/surfaces/provider/index.ts')],
        'llm-refresh/sources/*': [join(root, 'src/sources/*.ts'), join(root, 'src/sources/*/index.ts')],
        'llm-refresh/testing': [join(root, 'src/testing/index.ts')],
        'llm-refresh/stores/*': [join(root, 'src/stores/*/index.ts')],
      },
    },
  }
  const all = { 'tsconfig.json': JSON.stringify(config), ...files }
  await Promise.all(Object.entries(all).map(([name, text]) => writeFile(join(folder, name), text)))
  return folder
}
