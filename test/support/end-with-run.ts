// A worker whose run was interrupted or killed would go on to the end of its file, and start processes until then. Theirs ends with it.
const MARK = Symbol.for('llm-refresh.ends-with-run')

if (!Reflect.has(process, MARK)) {
  Reflect.set(process, MARK, true)
  // Vitest lets nobody call process.exit().
  process.once('disconnect', () => process.kill(process.pid, 'SIGKILL'))
}
