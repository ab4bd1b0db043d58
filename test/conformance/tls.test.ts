// sslscan and testssl.sh against the gateway's listener: nothing below TLS 1.2, no weak cipher, no renegotiation, and none
// of the named vulnerabilities. Each is skipped, and says so, where it is not installed.

import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { after, before, test } from 'node:test'
import { GatewayFixture } from '../support/running-gateway.ts'

let fixture: GatewayFixture
let address = ''

before(async () => {
  fixture = await GatewayFixture.open((_request, response) => response.end('{}'))
  address = new URL(fixture.gateway.address).host
})

after(async () => {
  await fixture.close()
  fixture.remove()
})

function installed(...names: string[]): string | undefined {
  const folders = (process.env.PATH ?? '').split(delimiter)
  return names.flatMap((name) => folders.map((folder) => join(folder, name))).find(existsSync)
}

async function output(command: string, args: readonly string[]): Promise<string> {
  const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'pipe'] })
  let text = ''
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (chunk: Buffer) => {
      text += chunk.toString()
    })
  }
  await once(child, 'close')
  return text
}

test('sslscan finds TLS 1.2 and 1.3 alone, with forward secrecy and AEAD', async (t) => {
  const sslscan = installed('sslscan')
  if (sslscan === undefined) return t.skip('sslscan is not installed: apt-get install sslscan')
  const report = await output(sslscan, ['--no-colour', address])
  for (const old of ['SSLv2', 'SSLv3', 'TLSv1.0', 'TLSv1.1'])
    assert.match(report, new RegExp(`${old} +disabled`), report)
  for (const spoken of ['TLSv1.2', 'TLSv1.3']) assert.match(report, new RegExp(`${spoken} +enabled`), report)
  assert.match(report, /Session renegotiation not supported/)
  assert.match(report, /Compression disabled|OpenSSL version does not support compression/)
  assert.doesNotMatch(report.replaceAll('not vulnerable', ''), /vulnerable/)
  const ciphers = [...report.matchAll(/^(?:Preferred|Accepted) +(\S+) +\d+ bits +(\S+)/gm)]
  assert.ok(ciphers.length >= 4, report)
  for (const [line, , name] of ciphers) assert.match(name as string, /^(TLS_|ECDHE-).*(GCM|CHACHA20)/, line)
})

test('testssl.sh finds no severity above LOW', { timeout: 280_000 }, async (t) => {
  const testssl = installed('testssl', 'testssl.sh')
  if (testssl === undefined) return t.skip('testssl.sh is not installed: apt-get install testssl.sh')
  const folder = mkdtempSync(join(tmpdir(), 'sallyport-testssl-'))
  t.after(() => rmSync(folder, { recursive: true }))
  const file = join(folder, 'report.json')
  const checks = ['-p', '-s', '-f', '-P', '-U']
  const text = await output(testssl, ['--quiet', '--color', '0', '--jsonfile', file, ...checks, address])
  assert.ok(existsSync(file), text)
  const findings = JSON.parse(readFileSync(file, 'utf8')) as { id: string; severity: string; finding: string }[]
  assert.ok(findings.length > 30, text)
  // Of the scanner itself: its OpenSSL has no GOST, which nobody offers here.
  const ours = findings.filter(({ id }) => id !== 'engine_problem')
  const bad = ours.filter(({ severity }) => !['OK', 'INFO', 'LOW', 'DEBUG'].includes(severity))
  assert.deepEqual(bad, [])
})
