/** Fails if the JSON of the two values differs. */
export function equal(actual: unknown, expected: unknown, what: string): void {
  const [got, wanted] = [show(actual), show(expected)]
  if (got !== wanted) throw new Error(`${what}: expected ${cut(wanted)}, and got ${cut(got)}.`)
}

/** Fails if the condition is false. */
export function ensure(holds: boolean, what: string): void {
  if (!holds) throw new Error(what)
}

/** The JSON of a value. The order of an object's members does not matter. */
function show(value: unknown): string {
  const shown = JSON.stringify(value, (_, member: unknown) => {
    if (typeof member !== 'object' || member === null || Array.isArray(member)) return member
    return Object.fromEntries(
      Object.entries(member).toSorted(([one], [other]) => (one < other ? -1 : 1)),
    ) as unknown
  })
  return shown ?? String(value)
}

function cut(text: string): string {
  return text.length > 2_000 ? `${text.slice(0, 2_000)}…` : text
}
