// Runs npm scripts at the same time. It prints the output of each script when that script has ended. The exit code is 1 if a script failed.
//   node scripts/side-by-side.mjs SCRIPT …
import { spawn } from 'node:child_process'

/** @param {string} name */
async function run(name) {
  const child = spawn('npm', ['run', '--silent', name], { stdio: ['ignore', 'pipe', 'pipe'] })
  let said = ''
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding('utf8').on('data', (text) => (said += text))
  const code = await new Promise((resolve) => {
    child.on('error', resolve).on('close', resolve)
  })
  console.log(`${said}${name}: ${code === 0 ? 'passed' : 'FAILED'}`)
  return code === 0
}

const passed = await Promise.all(process.argv.slice(2).map(run))
if (!passed.every(Boolean)) process.exitCode = 1
