/** The most bytes of a body that we read to judge it. */
export const MOST_READ = 65_536

/** The longest wait for the body of a possible rejection, in ms. Then we judge the part that has arrived. */
export const LONGEST_READ = 5_000
