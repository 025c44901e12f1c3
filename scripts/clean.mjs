// Removes old output. Otherwise a file without a source would stay in it, and be published.
import { rmSync } from 'node:fs'

rmSync(new URL('../dist', import.meta.url), { recursive: true, force: true })
