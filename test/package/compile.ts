import { execFile } from 'node:child_process'
import { copyFile, cp, mkdir, mkdtemp, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { installed } from '../support/packages.ts'

const run = promisify(execFile)

/** The compilers that users have, oldest first. The first is the oldest that the published types support. */
export const COMPILERS: Readonly<Record<string, string>> = {
  '5.4': '5.4.5',
  '5.5': '5.5.4',
  '5.6': '5.6.3',
  '5.7': '5.7.3',
  '5.8': '5.8.3',
  '5.9': '5.9.3',
  '6.0': '6.0.3',
  '7.0': '7.0.2',
}

/** The origin of a platform's global types: `lib`, and a package of types. */
interface Platform {
  readonly lib: readonly string[]
  readonly types?: readonly [name: string, spec: string]
}

const DOM = ['es2022', 'dom', 'dom.iterable']
const BARE = ['es2022']

export const PLATFORMS: Readonly<Record<string, Platform>> = {
  DOM: { lib: DOM },
  'Node 20': { lib: BARE, types: ['node', '@types/node@20.19.27'] },
  'Node 22': { lib: BARE, types: ['node', '@types/node@22.19.7'] },
  'Node 24': { lib: BARE, types: ['node', '@types/node@24.10.9'] },
  'Node 22 and DOM': { lib: DOM, types: ['node', '@types/node@22.19.7'] },
  Bun: { lib: BARE, types: ['bun-types', 'bun-types@1.4.5'] },
  'Cloudflare Workers': {
    lib: BARE,
    types: ['@cloudflare/workers-types', '@cloudflare/workers-types@5.20261117.1'],
  },
}

export const RESOLUTIONS: Readonly<Record<string, { module: string; moduleResolution: string }>> = {
  nodenext: { module: 'nodenext', moduleResolution: 'nodenext' },
  node16: { module: 'node16', moduleResolution: 'node16' },
  bundler: { module: 'esnext', moduleResolution: 'bundler' },
}

/** A project with the published package and one platform's types. */
export class Consumer {
  readonly folder: string
  readonly platform: Platform

  private constructor(folder: string, platform: Platform) {
    this.folder = folder
    this.platform = platform
  }

  /** @param published a folder with the package.json and dist/ of the published package */
  static async of(name: string, published: string, program: string): Promise<Consumer> {
    const platform = PLATFORMS[name]
    if (platform === undefined) throw new Error(`There are no types of ${name}.`)
    const folder = await mkdtemp(join(tmpdir(), 'llm-refresh-consumer-'))
    const modules = join(folder, 'node_modules')
    await mkdir(modules)
    if (platform.types !== undefined) {
      const [, spec] = platform.types
      const types = await installed(join('types', spec.replaceAll('/', '-')), [spec])
      await cp(join(types, 'node_modules'), modules, { recursive: true })
    }
    await symlink(published, join(modules, 'llm-refresh'))
    await writeFile(join(folder, 'package.json'), '{ "type": "module" }')
    await copyFile(program, join(folder, 'consumer.ts'))
    return new Consumer(folder, platform)
  }

  /** The errors of a compiler in the program and in our package. Errors in other packages' types do not count. */
  async errors(compiler: string, resolution: string): Promise<string[]> {
    const compilers = await installed(
      'compilers',
      Object.entries(COMPILERS).map(([name, version]) => `ts${name}@npm:typescript@${version}`),
    )
    const compilerOptions = {
      ...RESOLUTIONS[resolution],
      target: 'es2022',
      lib: this.platform.lib,
      types: this.platform.types?.slice(0, 1) ?? [],
      strict: true,
      exactOptionalPropertyTypes: true,
      noUncheckedIndexedAccess: true,
      noEmit: true,
      skipLibCheck: false,
      preserveSymlinks: true,
    }
    const config = join(this.folder, `tsconfig.${compiler}.${resolution}.json`)
    await writeFile(config, JSON.stringify({ compilerOptions, files: ['consumer.ts'] }))
    const bin = join(compilers, `node_modules/ts${compiler}/bin/tsc`)
    const options = { cwd: this.folder, maxBuffer: 64 * 1024 * 1024 }
    const stdout = await run(process.execPath, [bin, '--pretty', 'false', '-p', config], options).then(
      (done) => done.stdout,
      (error: unknown) => String(Reflect.get(Object(error), 'stdout')),
    )
    const lines = stdout.split('\n').filter((line) => /^\S.*error TS\d+/u.test(line))
    // An error without a file concerns the compiler's settings, so it counts, too.
    return lines.filter((line) => !line.startsWith('node_modules/') || /llm-refresh/u.test(line))
  }
}
