import { recall } from './recall/recall.ts'

/** True if `recall` has printed the token. If it is false, the build's last line loads the whole command. */
export const isPrinted: boolean = recall(process.argv.slice(2))
