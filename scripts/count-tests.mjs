// Prints the counts of vitest's JSON report in one line. A run without tests counts as failed.
//   node scripts/count-tests.mjs REPORT
import { readFileSync } from 'node:fs'

const { numPassedTests, numFailedTests } = JSON.parse(readFileSync(process.argv[2], 'utf8'))
console.log(`${numPassedTests} passed, ${numFailedTests} failed`)
if (numPassedTests === 0 || numFailedTests > 0) process.exitCode = 1
