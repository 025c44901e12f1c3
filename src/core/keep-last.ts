/** Drops the oldest entries until at most `most` are left. */
export function keepLast<K>(kept: Set<K> | Map<K, unknown>, most: number): void {
  for (const oldest of kept.keys()) {
    if (kept.size <= most) return
    kept.delete(oldest)
  }
}
