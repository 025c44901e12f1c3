// Whether all that is made from sources is up to date: `--check`. One process, for each would take a second to start.
for (const script of [
  './api.ts',
  './clients-table.ts',
  './runtimes.ts',
  './promises.ts',
  './mcp-conformance.ts',
  './llms.ts',
  '../cli/scripts/schema.ts',
])
  await import(script)
