import { fileURLToPath } from 'node:url'
import { COMPILERS, Consumer, PLATFORMS, RESOLUTIONS } from '../../test/package/compile.ts'
import type { Battery } from './trial.ts'

const root = fileURLToPath(new URL('../..', import.meta.url))

/** Compiles a program against the published types, with every compiler version that users have. */
export const types: Battery = async (tell) => {
  for (const platform of Object.keys(PLATFORMS)) {
    const consumer = await Consumer.of(platform, root, `${root}test/package/consumer.ts`)
    for (const resolution of Object.keys(RESOLUTIONS)) {
      if (resolution !== 'nodenext' && platform !== 'DOM') continue
      const failed: string[] = []
      for (const compiler of Object.keys(COMPILERS)) {
        const [first] = await consumer.errors(compiler, resolution)
        if (first !== undefined) failed.push(`; ${compiler}: ${first}`)
      }
      const count = Object.keys(COMPILERS).length
      tell({
        what: `${platform}, ${resolution}`,
        figure: `${count - failed.length} of ${count} compilers${failed.join('')}`,
        limit: 'all',
        isMet: failed.length === 0,
      })
    }
  }
}
