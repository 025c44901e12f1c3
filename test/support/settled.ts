/** Resolves when all promise callbacks have run that wait for no outside event. */
export function settled(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve))
}
