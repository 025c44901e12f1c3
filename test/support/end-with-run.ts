// Ends a test worker when its run was interrupted or killed. Otherwise the worker would go on to the end of its file, and start more processes.
const MARK = Symbol.for('llm-refresh.ends-with-run')

if (!Reflect.has(process, MARK)) {
  Reflect.set(process, MARK, true)
  // Vitest forbids process.exit(), so the worker kills itself.
  process.once('disconnect', () => process.kill(process.pid, 'SIGKILL'))
}
