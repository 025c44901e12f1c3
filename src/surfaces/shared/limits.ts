/** As much of a body is read to judge it, in bytes. */
export const MOST_READ = 65_536

/** So long (ms) is waited for the body of a suspect: what has arrived by then is judged. */
export const LONGEST_READ = 5_000
