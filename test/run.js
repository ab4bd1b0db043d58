// Runs node's test runner over the test files below the folders named, on every Node that we support: Node 20 takes no
// glob patterns. Usage: node test/run.js [--concurrency=N] [--timeout=MILLIS] FOLDER...

import { spawnSync } from 'node:child_process'
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const here = fileURLToPath(new URL('.', import.meta.url))
const flags = []
const files = []

for (const argument of process.argv.slice(2)) {
  if (argument.startsWith('--')) flags.push(`--test-${argument.slice(2)}`)
  else if (argument.endsWith('.test.ts')) files.push(argument)
  else collect(join(here, argument))
}

/** @param {string} folder */
function collect(folder) {
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name)
    if (entry.isDirectory()) collect(path)
    else if (entry.name.endsWith('.test.ts')) files.push(path)
  }
}

const preload = ['--import', 'tsx', '--import', new URL('seed.ts', import.meta.url).href]
const { status } = spawnSync(process.execPath, [...preload, ...flags, '--test', ...files.sort()], {
  stdio: 'inherit',
})
process.exit(status ?? 1)
