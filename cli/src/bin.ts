import { recall } from './recall/recall.ts'

/** The token is printed. If it is false, the build's last line loads the whole command. */
export const isPrinted: boolean = recall(process.argv.slice(2))
