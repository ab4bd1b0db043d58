import assert from 'node:assert/strict'
import { chmodSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, beforeEach, mock, test } from 'node:test'
import { type Credentials, openCredentials } from '../../../gateway/upstream/credentials.ts'
import type { ClusterUser, ExecCommand } from '../../../gateway/upstream/kubeconfig.ts'
import { UpstreamFailed } from '../../../gateway/upstream/upstream.ts'
import { limits } from '../../../protocols/limits.ts'
import { peerIdentity } from '../../support/peer-pki.ts'

const START = Date.parse('2026-11-23T12:00:00Z')
let directory: string
let now = START
let files = 0

before(() => {
  directory = mkdtempSync(join(tmpdir(), 'sallyport-credentials-'))
})

beforeEach(() => {
  now = START
})

after(() => rmSync(directory, { recursive: true }))

function open(user: Partial<ClusterUser>): Credentials {
  const whole = { token: undefined, tokenFile: undefined, certificate: undefined, exec: undefined, ...user }
  return openCredentials(whole, () => now)
}

/** A plugin that is a shell script; `runs` counts how often it ran. */
function plugin(script: string, extra: Partial<ExecCommand> = {}): { exec: ExecCommand; runs(): number } {
  const path = join(directory, 'plugin')
  const log = join(directory, 'runs')
  writeFileSync(log, '')
  writeFileSync(path, `#!/bin/sh\necho run >> "${log}"\n${script}\n`)
  chmodSync(path, 0o700)
  const exec: ExecCommand = {
    apiVersion: 'client.authentication.k8s.io/v1',
    command: path,
    args: [],
    env: {},
    cluster: undefined,
    ...extra,
  }
  return { exec, runs: () => readFileSync(log, 'utf8').split('\n').length - 1 }
}

function credential(status: object, apiVersion = 'client.authentication.k8s.io/v1'): string {
  return JSON.stringify({ apiVersion, kind: 'ExecCredential', status })
}

function prints(status: object, path = join(directory, `status-${files++}`)): string {
  writeFileSync(path, credential(status))
  return `cat "${path}"`
}

function failed(message: RegExp) {
  return (error: unknown): boolean => {
    assert.ok(error instanceof UpstreamFailed)
    assert.equal(error.status, 503)
    assert.equal(error.rule, 'upstream.credentials')
    assert.match(error.message, message)
    assert.ok(!error.message.includes('s3cret'))
    return true
  }
}

test('a token is sent as it is; a certificate alone sends no field', async () => {
  assert.deepEqual(await open({ token: 'abc' }).fields(), ['Authorization', 'Bearer abc'])
  const certificate = { certificate: 'c', key: 'k' }
  const credentials = open({ certificate })
  assert.deepEqual(await credentials.fields(), [])
  assert.equal(credentials.certificate, certificate)
})

test('a token file is read again when it changes, and looked at no more than once a second', async () => {
  const tokenFile = join(directory, 'token')
  writeFileSync(tokenFile, 'one\n')
  const credentials = open({ tokenFile, token: 'ignored' })
  assert.deepEqual(await credentials.fields(), ['Authorization', 'Bearer one'])
  // Replaced as Kubernetes does it, by renaming: another inode.
  writeFileSync(`${tokenFile}.new`, 'two')
  renameSync(`${tokenFile}.new`, tokenFile)
  now += limits.gateway.tokenFileMillis - 1
  assert.deepEqual(await credentials.fields(), ['Authorization', 'Bearer one'])
  now += 1
  const both = await Promise.all([credentials.fields(), credentials.fields()])
  assert.deepEqual(both, [
    ['Authorization', 'Bearer two'],
    ['Authorization', 'Bearer two'],
  ])
})

test('a token file that cannot be read, or holds no token, refuses the request until it is mended', async () => {
  const tokenFile = join(directory, 'mended')
  const credentials = open({ tokenFile })
  await assert.rejects(credentials.fields(), failed(/tokenFile/))
  for (const bad of ['', '\n', 's3cret two', 's3cret\nX-Injected: 1', 's3cret'.repeat(4_000), 's\u00e9cret']) {
    writeFileSync(tokenFile, bad)
    now += limits.gateway.tokenFileMillis
    await assert.rejects(credentials.fields(), failed(/tokenFile/), JSON.stringify(bad.slice(0, 20)))
  }
  writeFileSync(tokenFile, 'good')
  now += limits.gateway.tokenFileMillis
  assert.deepEqual(await credentials.fields(), ['Authorization', 'Bearer good'])
})

test('a plugin runs once for all who wait, with its environment, and again only shortly before its token ends', async () => {
  const end = START + 14 * 60_000
  const { exec, runs } = plugin(
    `printf '{"apiVersion":"client.authentication.k8s.io/v1","kind":"ExecCredential","status":{"token":"%s-%s-%s","expirationTimestamp":"${new Date(end).toISOString()}"}}' "$1" "$PROFILE" "$(echo "$KUBERNETES_EXEC_INFO" | tr -cd 'a-z')"`,
    { args: ['arg'], env: { PROFILE: 'gw' } },
  )
  const credentials = open({ exec })
  const all = await Promise.all([credentials.fields(), credentials.fields(), credentials.fields()])
  assert.equal(all[0]?.[1], 'Bearer arg-gw-apiersionclientauthenticationksiovkindxecredentialspecinteractivefalse')
  assert.deepEqual(all[0], all[2])
  now = end - limits.gateway.credentialMarginMillis - 1
  await credentials.fields()
  assert.equal(runs(), 1)
  now = end - limits.gateway.credentialMarginMillis / 4
  await credentials.fields()
  assert.equal(runs(), 2)
})

test('near its end a token still serves while the next one is fetched', async () => {
  const status = join(directory, 'status')
  const old = { token: 'old', expirationTimestamp: new Date(START + 600_000).toISOString() }
  const { exec, runs } = plugin(prints(old, status))
  const credentials = open({ exec })
  await credentials.fields()
  prints({ token: 'new' }, status)
  now = START + 600_000 - limits.gateway.credentialMarginMillis
  assert.deepEqual(await credentials.fields(), ['Authorization', 'Bearer old'])
  now = START + 600_000 // stale: waits for the run that is under way
  assert.deepEqual(await credentials.fields(), ['Authorization', 'Bearer new'])
  assert.equal(runs(), 2)
})

test('a plugin may give a certificate, which keeps its identity while it stays the same', async () => {
  const peer = await peerIdentity()
  const status = { clientCertificateData: peer.cert, clientKeyData: peer.key }
  const path = join(directory, 'status')
  const { exec, runs } = plugin(
    prints({ ...status, expirationTimestamp: new Date(START + 60_000).toISOString() }, path),
  )
  const credentials = open({ exec })
  assert.deepEqual(await credentials.fields(), [])
  const first = credentials.certificate
  assert.deepEqual(first, { certificate: peer.cert, key: peer.key })
  prints(status, path)
  now += 59_000
  await credentials.fields()
  assert.equal(runs(), 2)
  assert.equal(credentials.certificate, first)
})

test('output that is wrong, late or long refuses the request, and nothing that was printed gets into the error', async () => {
  const cases: [string, RegExp][] = [
    ['echo s3cret', /did not print JSON/],
    ['exit 7', /exit code 7/],
    ['echo s3cret >&2; exit 1', /exit code 1/],
    ['kill -9 $$', /ended by SIGKILL/],
    [`printf '{"kind":"Other"}'`, /did not print an ExecCredential/],
    [prints({}), /neither a token nor a certificate/],
    [prints({ token: '' }), /token is empty/],
    [prints({ token: 's3cret\r\nX: y' }), /token is empty, too long, or has impossible/],
    [prints({ token: 's3cret', expirationTimestamp: 'soon' }), /not a time/],
    [prints({ token: 's3cret', expirationTimestamp: new Date(START - 1).toISOString() }), /already expired/],
    [prints({ clientCertificateData: 's3cret' }), /without its key/],
    [prints({ clientCertificateData: 's3cret', clientKeyData: 's3cret' }), /not PEM/],
    [`printf '${credential({ token: 's3cret' }, 'client.authentication.k8s.io/v1beta1')}'`, /another apiVersion/],
    ['yes s3cret', /printed too much/],
  ]
  for (const [script, message] of cases) {
    await assert.rejects(open({ exec: plugin(script).exec }).fields(), failed(message), script)
  }
  const { exec } = plugin('')
  await assert.rejects(open({ exec: { ...exec, command: join(directory, 'none') } }).fields(), failed(/ENOENT/))
})

test('a plugin that hangs is ended with all that it started', async (t) => {
  t.after(() => mock.timers.reset())
  mock.timers.enable({ apis: ['setTimeout'] })
  const asked = open({ exec: plugin('sleep 600 & sleep 600').exec }).fields()
  mock.timers.tick(limits.gateway.credentialMillis)
  await assert.rejects(asked, failed(/took too long/))
})

test('a failed run is not repeated at once, and a refused credential is fetched anew when it is not fresh', async () => {
  const { exec, runs } = plugin('exit 1')
  const credentials = open({ exec })
  await assert.rejects(credentials.fields(), failed(/exit code 1/))
  await assert.rejects(credentials.fields(), failed(/exit code 1/))
  assert.equal(runs(), 1)
  now += limits.gateway.credentialRetryMillis
  await assert.rejects(credentials.fields(), failed(/exit code 1/))
  assert.equal(runs(), 2)

  const good = plugin(prints({ token: 'x' }))
  const held = open({ exec: good.exec })
  await held.fields()
  held.refused()
  await held.fields()
  assert.equal(good.runs(), 1)
  now += limits.gateway.credentialRetryMillis
  held.refused()
  await held.fields()
  assert.equal(good.runs(), 2)
})
