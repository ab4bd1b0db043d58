import assert from 'node:assert/strict'
import { X509Certificate } from 'node:crypto'
import { chmodSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { hostname, tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { CertificateError, ownIdentity, readIdentity } from '../../../gateway/pki.ts'

const NOW = Date.parse('2026-11-23T12:00:00Z')
const DAY = 86_400_000
const directories: string[] = []

function directory(): string {
  const path = mkdtempSync(join(tmpdir(), 'sallyport-pki-'))
  directories.push(path)
  return path
}

after(() => {
  for (const path of directories) rmSync(path, { recursive: true })
})

test('without files a P-256 authority and a leaf are made that a strict client accepts', async () => {
  const at = join(directory(), 'pki')
  const identity = await ownIdentity(at, ['10.1.2.3', 'gateway.example', '0.0.0.0'], NOW)
  assert.equal(identity.caPath, join(at, 'ca.crt'))
  const ca = new X509Certificate(readFileSync(identity.caPath))
  const leaf = new X509Certificate(identity.cert)
  assert.ok(ca.ca && !leaf.ca)
  assert.ok(ca.verify(ca.publicKey) && leaf.checkIssued(ca) && leaf.verify(ca.publicKey))
  assert.equal(leaf.publicKey.asymmetricKeyDetails?.namedCurve, 'prime256v1')
  for (const name of ['localhost', 'gateway.example', hostname().toLowerCase()])
    assert.equal(leaf.checkHost(name), name)
  for (const ip of ['127.0.0.1', '::1', '10.1.2.3']) assert.ok(leaf.checkIP(ip), ip)
  assert.equal(leaf.checkIP('0.0.0.0'), undefined)
  assert.deepEqual(leaf.keyUsage, ['1.3.6.1.5.5.7.3.1'])
  const days = (Date.parse(leaf.validTo) - Date.parse(leaf.validFrom)) / DAY
  assert.ok(days <= 397 && days > 396)
  assert.ok(Date.parse(leaf.validFrom) < NOW)
  assert.ok(Date.parse(ca.validTo) - NOW > 3600 * DAY)
})

test('keys are readable by their owner alone, also when they replace ones that were not', async () => {
  const at = directory()
  await ownIdentity(at, [], NOW)
  for (const name of ['ca.key', 'tls.key']) assert.equal(statSync(join(at, name)).mode & 0o777, 0o600)
  chmodSync(join(at, 'ca.key'), 0o644)
  writeFileSync(join(at, 'tls.key.new'), 'left by a crash', { mode: 0o644 })
  writeFileSync(join(at, 'tls.key'), 'not a key')
  await ownIdentity(at, [], NOW)
  for (const name of ['ca.key', 'tls.key']) assert.equal(statSync(join(at, name)).mode & 0o777, 0o600)
})

test('what is there is used again; the leaf alone is replaced when it ends soon, lacks a name, or is damaged', async () => {
  const at = directory()
  const first = await ownIdentity(at, [], NOW)
  const ca = readFileSync(join(at, 'ca.crt'), 'utf8')
  assert.deepEqual(await ownIdentity(at, [], NOW + 300 * DAY), first)

  const renewed = await ownIdentity(at, [], NOW + 370 * DAY)
  assert.notEqual(renewed.cert, first.cert)
  const named = await ownIdentity(at, ['new.example'], NOW + 370 * DAY)
  assert.equal(new X509Certificate(named.cert).checkHost('new.example'), 'new.example')
  writeFileSync(join(at, 'tls.key'), first.key)
  const repaired = await ownIdentity(at, ['new.example'], NOW + 370 * DAY)
  assert.notEqual(repaired.cert, named.cert)
  for (const { cert } of [renewed, named, repaired]) {
    assert.ok(new X509Certificate(cert).verify(new X509Certificate(ca).publicKey))
  }
  assert.equal(readFileSync(join(at, 'ca.crt'), 'utf8'), ca)
})

test('a leaf never outlives its authority', async () => {
  const at = directory()
  await ownIdentity(at, [], NOW)
  const late = await ownIdentity(at, [], NOW + 3500 * DAY)
  const ca = new X509Certificate(readFileSync(join(at, 'ca.crt')))
  assert.equal(new X509Certificate(late.cert).validTo, ca.validTo)
})

test('an authority that is damaged, half missing or at its end is reported, never replaced', async () => {
  const at = directory()
  await ownIdentity(at, [], NOW)
  await assert.rejects(ownIdentity(at, [], NOW + 3640 * DAY), {
    constructor: CertificateError,
    message: /ends on .*delete/,
  })
  const other = directory()
  await ownIdentity(other, [], NOW)
  writeFileSync(join(at, 'ca.key'), readFileSync(join(other, 'ca.key')))
  const before = readFileSync(join(at, 'ca.crt'), 'utf8')
  await assert.rejects(ownIdentity(at, [], NOW), {
    constructor: CertificateError,
    message: /ca\.key is not the key of/,
  })
  rmSync(join(at, 'ca.key'))
  await assert.rejects(ownIdentity(at, [], NOW), { constructor: CertificateError, message: /ca\.key cannot be read/ })
  assert.equal(readFileSync(join(at, 'ca.crt'), 'utf8'), before)
})

test('given files are taken only if they belong together and are in date, and the message says which is wrong', async () => {
  const at = directory()
  const made = await ownIdentity(at, [], NOW)
  const certFile = join(at, 'tls.crt')
  const keyFile = join(at, 'tls.key')
  const given = readIdentity(certFile, keyFile, NOW)
  assert.equal(given.key, made.key)
  assert.equal(given.caPath, undefined)
  const cases: [string, string, number, RegExp][] = [
    [certFile, join(at, 'ca.key'), NOW, /ca\.key is not the key of/],
    [certFile, certFile, NOW, /is not a private key in PEM/],
    [keyFile, keyFile, NOW, /does not begin with a certificate/],
    [join(at, 'none'), keyFile, NOW, /none cannot be read/],
    [certFile, keyFile, NOW + 400 * DAY, /expired on 2027-/],
    [certFile, keyFile, NOW - DAY, /only valid from 2026-11-23/],
  ]
  for (const [cert, key, now, message] of cases) {
    assert.throws(() => readIdentity(cert, key, now), { constructor: CertificateError, message })
    assert.throws(
      () => readIdentity(cert, key, now),
      (error: Error) => !error.message.includes('PRIVATE KEY'),
    )
  }
})
