import { fingerprint, isFingerprintOf } from './fingerprint.ts'

/** Whether a configured refresh token was redeemed before, in this process or in another. */
export async function isTried(seed: string, tried: readonly string[] = []): Promise<boolean> {
  for (const made of tried) if (await isFingerprintOf(made, [seed])) return true
  return false
}

/** What is kept of a configured refresh token that was tried. */
export function fingerprintedSeed(seed: string): Promise<string | undefined> {
  return fingerprint([seed])
}
