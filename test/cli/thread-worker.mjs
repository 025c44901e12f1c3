// Runs the built command for each message, one after another. Its first files are compiled once and run anew for each, so that none finds what another
// left.
import fs, { readFileSync } from 'node:fs'
import { createRequire, Module } from 'node:module'
import os from 'node:os'
import { dirname, join } from 'node:path'
import { Readable, Writable } from 'node:stream'
import vm from 'node:vm'
import { parentPort, workerData as bundle } from 'node:worker_threads'

// Node warns of the loader that the script below names; no command's output shall hold that.
const { emitWarning } = process
process.emitWarning = (warning, ...more) => {
  if (!String(warning).startsWith('vm.')) emitWarning.call(process, warning, ...more)
}

const scripts = new Map(
  ['llm-refresh.cjs', 'command.cjs'].map((name) => {
    const filename = join(dirname(bundle), name)
    const text = readFileSync(filename, 'utf8').replace(/^#!.*/, '')
    const whole = `(function (exports, require, module, __filename, __dirname) {${text}\n})`
    const importModuleDynamically = vm.constants.USE_MAIN_CONTEXT_DEFAULT_LOADER
    return [`./${name}`, { filename, script: new vm.Script(whole, { filename, importModuleDynamically }) }]
  }),
)
// What is written to a process's stdout is this command's.
const { writeSync } = fs
fs.writeSync = (fd, bytes, at = 0) => {
  if (fd !== 1) return writeSync(fd, bytes, at)
  process.stdout.write(bytes.subarray(at))
  return bytes.length - at
}
// A process asks the system for it, which knows the variable of the whole process alone.
os.homedir = () => process.env.HOME ?? ''

let isRunning = false
let known = new Set()

parentPort.on('message', ({ words, env }) => {
  // What is left to wait for is the command's: without it `beforeExit` comes.
  parentPort.unref()
  for (const name of Object.keys(process.env)) delete process.env[name]
  for (const [name, value] of Object.entries(env)) if (value !== undefined) process.env[name] = value
  give('stdin', Readable.from([]))
  for (const name of ['stdout', 'stderr']) give(name, teller(name))
  process.argv = [process.execPath, bundle, ...words]
  process.exitCode = undefined
  known = new Set(listeners().map(([, listener]) => listener))
  isRunning = true
  // Its other files ask for what the first ones hold, as if those were the program.
  for (const name of ['config.cjs', 'proxy.cjs', 'rest.cjs'])
    delete requireHere.cache[join(dirname(bundle), name)]
  run('./llm-refresh.cjs')
})

const requireHere = createRequire(bundle)

function run(path) {
  const { filename, script } = scripts.get(path)
  const part = new Module(filename)
  requireHere.cache[filename] = part
  const load = (asked) => (scripts.has(asked) ? run(asked) : requireHere(asked))
  script.runInThisContext()(part.exports, load, part, filename, dirname(filename))
  return part.exports
}

process.on('beforeExit', () => {
  if (!isRunning) return
  isRunning = false
  const code = Number(process.exitCode ?? 0)
  for (const [name, listener] of listeners()) {
    if (known.has(listener)) continue
    if (name === 'exit') listener.call(process, code)
    process.off(name, listener)
  }
  process.exitCode = undefined
  // eslint-disable-next-line unicorn/require-post-message-target-origin -- a port of a thread, not a window
  parentPort.postMessage({ code })
  parentPort.ref()
})

function listeners() {
  return process
    .eventNames()
    .flatMap((name) => process.rawListeners(name).map((listener) => [name, listener]))
}

function give(name, value) {
  Object.defineProperty(process, name, { value, configurable: true })
}

function teller(name) {
  return new Writable({
    decodeStrings: false,
    write(piece, _encoding, done) {
      // eslint-disable-next-line unicorn/require-post-message-target-origin -- as above
      parentPort.postMessage({ [name]: String(piece) })
      done()
    },
  })
}
