import { constants } from 'node:os'
import { program } from './program.ts'
import { report } from './report.ts'
import { open } from './setup/credential.ts'

/** A signal ends the process once every token is stored. */
function endOnSignals(): void {
  for (const signal of ['SIGTERM', 'SIGHUP'] as const) {
    process.once(signal, () => {
      const flushed = [...open].map(({ credential }) => credential.flush().catch(() => undefined))
      void Promise.all(flushed).then(() => process.exit(128 + constants.signals[signal]))
    })
  }
}

process.on('uncaughtException', (error) => process.exit(report(error)))
process.on('unhandledRejection', (error) => process.exit(report(error)))
endOnSignals()
try {
  await program().parseAsync(process.argv.slice(2), { from: 'user' })
} catch (error) {
  process.exitCode = report(error)
}
