// Runs the built command for each message, one after another. Its file is compiled once and run anew for each, so that none finds what another left.
import { readFileSync } from 'node:fs'
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

const text = readFileSync(bundle, 'utf8').replace(/^#!.*/, '')
const script = new vm.Script(`(function (exports, require, module, __filename, __dirname) {${text}\n})`, {
  filename: bundle,
  importModuleDynamically: vm.constants.USE_MAIN_CONTEXT_DEFAULT_LOADER,
})
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
  const load = createRequire(bundle)
  // Its other files ask for what the first one holds, as if it were the program.
  for (const name of ['proxy.cjs', 'rest.cjs']) delete load.cache[join(dirname(bundle), name)]
  const main = new Module(bundle)
  load.cache[bundle] = main
  script.runInThisContext()(main.exports, load, main, bundle, dirname(bundle))
})

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
