// Old output must not be published: a file whose source is gone would still be there.
import { rmSync } from 'node:fs'

rmSync(new URL('../dist', import.meta.url), { recursive: true, force: true })
