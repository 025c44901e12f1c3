// The configuration's schema for editors: `npm run schema` writes it, with --check it tells whether it is up to date.
import { readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import * as z from 'zod/mini'
import { schema } from '../src/config/schema.ts'

const target = fileURLToPath(new URL('../config.schema.json', import.meta.url))
const { $schema, ...members } = z.toJSONSchema(schema, { io: 'input' })
const text = `${JSON.stringify({ $schema, title: 'The configuration of llm-refresh', ...members }, undefined, 2)}\n`

if (!process.argv.includes('--check')) writeFileSync(target, text)
else if (readFileSync(target, 'utf8') !== text) {
  console.error('cli/config.schema.json is not what the schema says: run npm run schema -w cli.')
  process.exitCode = 1
}
