import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { existsSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { test } from 'node:test'

/** What the demo's pods run. kubectl is not among it. */
const PROGRAMS = ['sh', 'cat', 'printenv', 'sleep', 'script', 'stty', 'tty']

test('the tour ends well without kubectl on the PATH', { timeout: 30_000 }, async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'sallyport-path-'))
  t.after(() => rmSync(folder, { recursive: true }))
  for (const program of PROGRAMS) {
    const found = (process.env.PATH ?? '')
      .split(delimiter)
      .map((directory) => join(directory, program))
      .find(existsSync)
    if (found !== undefined) symlinkSync(found, join(folder, program))
  }
  const { code, out, err } = await run(['--input-type=module', '--eval', script()], { PATH: folder })
  assert.equal(code, 0, `${out}\n${err}`)
  assert.match(out, /shell +2\/2 +Running/)
  assert.match(out, /go-template=.*\n +sallyport-masked-/)
  assert.match(out, /printenv DB_PASSWORD\n +~mask~+\n[^$]*masked by learned/)
  assert.match(out, /The request is invalid: body: mask\.sentinel: data\.\w+ holds a masked value/)
  assert.doesNotMatch(out, /s3cret/)
  assert.match(out, /Error from server \(Forbidden\)[\s\S]*agents-do-not-touch-prod/)
  assert.match(out, /Agent +claude-code\n[\s\S]*Why +settle a refund[\s\S]*Command +kubectl exec shell/)
  assert.match(out, /on tape: approval \w+: oidc:bob says yes · use 1 of 1\n/)
  assert.match(out, /denied by oidc:bob: not\s+without a ticket\n/)
  assert.match(out, /refund 900 EUR\n/)
  assert.match(out, /now says "refund 100 EUR"/)
  assert.match(out, /actor claude-code is locked by [\s\S]*is no longer locked by this\n/)
  assert.ok(!out.includes('\x1b'), 'colours only where there is a terminal')
})

function script(): string {
  const main = JSON.stringify(new URL('../../demo/main.ts', import.meta.url).href)
  return `const { demo } = await import(${main}); process.exitCode = await demo({ once: true })`
}

function run(
  words: readonly string[],
  env: Record<string, string>,
): Promise<{ code: number | null; out: string; err: string }> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, ['--import', 'tsx', ...words], { env, stdio: ['ignore', 'pipe', 'pipe'] })
    let out = ''
    let err = ''
    child.stdout.on('data', (bytes: Uint8Array) => {
      out += String(bytes)
    })
    child.stderr.on('data', (bytes: Uint8Array) => {
      err += String(bytes)
    })
    child.on('error', reject)
    child.on('close', (code) => resolve({ code, out, err }))
  })
}
