import { type Config, readConfig } from '../config/read.ts'
import { EXIT, Fault } from '../lib/fault.ts'
import { paint, print, printable, printJson } from '../lib/output.ts'
import { checkCredential } from '../setup/check/credential.ts'
import { type Finding, good } from '../setup/check/finding.ts'
import { checkMachine } from '../setup/check/machine.ts'
import { checkRoute } from '../setup/check/route.ts'
import { type CheckedStore, checkStore } from '../setup/check/store.ts'
import { chooseCredential } from '../setup/credential.ts'

export interface CheckOptions {
  readonly config?: string
  readonly json?: boolean
}

/**
 * Checks everything from the configuration to a real token. Returns exit code 2 if the configuration is wrong, 3 if a person has to log in,
 * and 1 if any other finding is an error.
 */
export async function check(given: string | undefined, options: CheckOptions): Promise<number> {
  let config: Config
  try {
    config = await readConfig(options.config)
  } catch (error) {
    if (!(error instanceof Fault)) throw error
    const { message, fix = 'Mend that field.', exitCode } = error
    await show([{ about: undefined, code: 'configuration', level: 'error', message, fix }], options)
    return exitCode
  }
  const names =
    given === undefined ? Object.keys(config.credentials ?? {}) : [chooseCredential(config, given)]
  const ofMachine = await checkMachine()
  // With a wrong proxy variable no server can be asked.
  const isCutOff = ofMachine.some(({ code }) => code === 'proxy_invalid')
  const findings = [
    good(undefined, 'configuration', `${config.path} is good.`),
    ...ofMachine,
    ...(isCutOff ? [] : await checkNames(config, names)),
  ]
  await show(findings, options)
  return exitCodeOf(findings)
}

async function checkNames(config: Config, names: readonly string[]): Promise<Finding[]> {
  const storeOf = (name: string): string => config.credentials?.[name]?.store ?? 'default'
  const found = new Map<string, Finding>()
  // Keep a problem once, even if several checks find it.
  const note = (findings: readonly Finding[]): void => {
    for (const each of findings) {
      const isOwn = each.level === 'ok' || each.about?.startsWith('routes.') === true
      const key = isOwn ? `${each.about} ${each.message}` : each.message
      if (!found.has(key)) found.set(key, each)
    }
  }
  const states = new Map<string, CheckedStore['state']>()
  for (const store of new Set(names.map(storeOf))) {
    const account = names.find((name) => storeOf(name) === store) ?? ''
    const { findings, state } = await checkStore(config, store, account)
    note(findings)
    // A lock belongs to one account, the other states to the whole store.
    states.set(state === 'locked' ? `${store} ${account}` : store, state)
  }
  for (const name of names) {
    const store = storeOf(name)
    note(await checkCredential(config, name, states.get(`${store} ${name}`) ?? states.get(store) ?? 'good'))
  }
  const routes = Object.entries(config.routes ?? {}).filter(([, { credential }]) =>
    names.includes(credential),
  )
  for (const findings of await Promise.all(routes.map(([name]) => checkRoute(config, name)))) note(findings)
  return [...found.values()]
}

function exitCodeOf(findings: readonly Finding[]): number {
  const errors = findings.filter((finding) => !isGood(finding))
  if (errors.some(({ code }) => code === 'reauthentication_required')) return EXIT.loginNeeded
  return errors.length === 0 ? EXIT.done : EXIT.failed
}

const isGood = ({ level }: Finding): boolean => level !== 'error'

async function show(findings: readonly Finding[], { json }: CheckOptions): Promise<void> {
  if (json === true) await printJson({ ok: findings.every(isGood), findings })
  else for (const finding of findings) await print(lineOf(finding))
}

function lineOf({ about, level, message, fix }: Finding): string {
  const colour = ({ ok: 'green', warning: 'yellow', error: 'red' } as const)[level]
  const where = about === undefined ? '' : `${about}: `
  return `${paint(colour, level.padEnd(7))} ${printable(where + message)}${fix === undefined ? '' : `\n        ${printable(fix)}`}`
}
