/** The bytes of a body that are read to judge it, at most. */
export const MOST_READ = 65_536

/** The longest wait for the body of a possible rejection, in ms: then we judge what has arrived. */
export const LONGEST_READ = 5_000
