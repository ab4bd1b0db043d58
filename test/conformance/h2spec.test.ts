// h2spec, strict, against a running gateway: all 146 cases of RFC 9113 and RFC 7541. Builds h2spec with Go where it is
// missing; without Go it says so and fails.

import assert from 'node:assert/strict'
import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { GatewayFixture } from '../support/running-gateway.ts'

const SOURCES = fileURLToPath(new URL('./h2spec/', import.meta.url))
const BINARY = fileURLToPath(new URL('./bin/h2spec', import.meta.url))
const COMMAND = 'github.com/summerwind/h2spec/cmd/h2spec'

function build(): void {
  if (existsSync(BINARY)) return
  try {
    execFileSync('go', ['version'], { stdio: 'ignore' })
  } catch {
    throw new Error('the conformance suite needs Go 1.26 or later on the PATH: it builds h2spec')
  }
  execFileSync('go', ['build', '-o', BINARY, COMMAND], { cwd: SOURCES, stdio: 'inherit' })
}

test('h2spec passes all 146 strict cases against the gateway', async (t) => {
  build()
  const fixture = await GatewayFixture.open((_request, response) => response.end('{}'))
  t.after(async () => {
    await fixture.close()
    fixture.remove()
  })
  const { port } = new URL(fixture.gateway.address)
  const h2spec = spawn(BINARY, ['-h', '127.0.0.1', '-p', port, '-t', '-k', '-o', '4', '-S'])
  let output = ''
  h2spec.stdout.on('data', (chunk: Buffer) => {
    output += chunk.toString()
  })
  await once(h2spec, 'close')
  const summary = /(\d+) tests, (\d+) passed, (\d+) skipped, (\d+) failed/.exec(output)
  assert.ok(summary !== null, output)
  t.diagnostic(summary[0])
  assert.deepEqual(summary.slice(1).map(Number), [146, 146, 0, 0], output)
})
