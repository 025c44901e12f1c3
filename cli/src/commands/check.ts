import { type Config, readConfig } from '../config/read.ts'
import { EXIT, Fault } from '../lib/fault.ts'
import { paint, print, printable, printJson } from '../lib/output.ts'
import { checkCredential } from '../setup/check/credential.ts'
import { type Finding, good } from '../setup/check/finding.ts'
import { checkMachine } from '../setup/check/machine.ts'
import { checkStore } from '../setup/check/store.ts'
import { chooseCredential } from '../setup/credential.ts'

export interface CheckOptions {
  readonly config?: string
  readonly json?: boolean
}

/** Looks at everything between the configuration and a real token. Exit code 1 where a finding is an error, 2 where the configuration is. */
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
  const findings = [
    good(undefined, 'configuration', `${config.path} is good.`),
    ...(await checkMachine()),
    ...(await checkNames(config, names)),
  ]
  await show(findings, options)
  return findings.every(isGood) ? EXIT.done : EXIT.failed
}

async function checkNames(config: Config, names: readonly string[]): Promise<Finding[]> {
  const storeOf = (name: string): string => config.credentials?.[name]?.store ?? 'default'
  const found: Finding[] = []
  const locked = new Set<string>()
  for (const store of new Set(names.map(storeOf))) {
    const account = names.find((name) => storeOf(name) === store) ?? ''
    const { findings, isLocked } = await checkStore(config, store, account)
    found.push(...findings)
    if (isLocked) locked.add(account)
  }
  for (const name of names) {
    const ofName = await checkCredential(config, name, !locked.has(name))
    // What the store says of itself need not be read once more for each of its credentials.
    found.push(...ofName.filter(({ message }) => !found.some((finding) => finding.message === message)))
  }
  return found
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
