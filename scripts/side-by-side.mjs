// Runs npm scripts side by side, and prints what each has said when it has ended. A command after `--` runs beside them, and prints as
// it goes on. Exit code 1 where one failed.
//   node scripts/side-by-side.mjs SCRIPT … [-- COMMAND …]
import { spawn } from 'node:child_process'

/** @param {string} name */
async function run(name) {
  const child = spawn('npm', ['run', '--silent', name], { stdio: ['ignore', 'pipe', 'pipe'] })
  let said = ''
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding('utf8').on('data', (text) => (said += text))
  const isPassed = await hasPassed(child)
  console.log(`${said}${name}: ${isPassed ? 'passed' : 'FAILED'}`)
  return isPassed
}

/** @param {import('node:child_process').ChildProcess} child */
function hasPassed(child) {
  return new Promise((resolve) => {
    child.on('error', () => resolve(false)).on('close', (code) => resolve(code === 0))
  })
}

const given = process.argv.slice(2)
const end = given.includes('--') ? given.indexOf('--') : given.length
const [program, ...args] = given.slice(end + 1)
const passed = await Promise.all([
  ...given.slice(0, end).map(run),
  ...(program === undefined ? [] : [hasPassed(spawn(program, args, { stdio: 'inherit' }))]),
])
if (!passed.every(Boolean)) process.exitCode = 1
