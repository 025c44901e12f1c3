import { afterAll } from 'vitest'
import { endFile } from './ends.ts'

// A worker whose run was interrupted or killed would go on to the end of its file, and start processes until then. Theirs ends with it.
const MARK = Symbol.for('llm-refresh.ends-with-run')

if (!Reflect.has(process, MARK)) {
  Reflect.set(process, MARK, true)
  // Vitest lets nobody call process.exit().
  process.once('disconnect', () => process.kill(process.pid, 'SIGKILL'))
}

// It runs for each file, also of those that share a worker.
afterAll(endFile)
