// Writes all generated files, or checks them with `--check`. It uses one process, because each process takes a second to start.
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
