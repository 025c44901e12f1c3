/** A URL; undefined for what is none. Not every platform has `URL.canParse` (React Native, browsers before 2024). */
export function parsedUrl(text: string, base?: string): URL | undefined {
  try {
    return new URL(text, base)
  } catch {
    return undefined
  }
}
