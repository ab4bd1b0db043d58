// Turns the configuration's certificate files, or none, into what the listener shows its clients. Without files it makes a
// certificate authority and a P-256 leaf of its own and keeps them. Refuses files that do not belong together or are out
// of date, and never overwrites an authority that clients may already trust.

import 'reflect-metadata'
import { createPrivateKey, KeyObject, randomBytes, webcrypto, X509Certificate } from 'node:crypto'
import { chmodSync, existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { isIP } from 'node:net'
import { hostname } from 'node:os'
import { join } from 'node:path'
import {
  AuthorityKeyIdentifierExtension,
  BasicConstraintsExtension,
  ExtendedKeyUsage,
  ExtendedKeyUsageExtension,
  type Extension,
  type JsonGeneralName,
  KeyUsageFlags,
  KeyUsagesExtension,
  X509Certificate as ParsedCertificate,
  SubjectAlternativeNameExtension,
  SubjectKeyIdentifierExtension,
  X509CertificateGenerator,
} from '@peculiar/x509'

/** What a TLS server shows; all PEM. */
export interface ServerIdentity {
  readonly key: string
  /** The leaf, then what leads to the authority. */
  readonly cert: string
  /** The file that clients need to trust us; undefined where the operator's own certificate is used. */
  readonly caPath: string | undefined
}

/** The certificate files cannot be used; the message names the file and says what to change. Holds no key. */
export class CertificateError extends Error {}

const DAY = 86_400_000
const CA_DAYS = 3650
/** What browsers and Apple's clients accept at most is 398. */
const LEAF_DAYS = 397
/** A leaf with less than this left is replaced. */
const RENEW_DAYS = 30
/** Clocks of clients may be behind. */
const BACKDATE = 3_600_000

const ALGORITHM = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' } as const

/** Reads the operator's certificate and key and checks them against each other and against `now` (ms since 1970). */
export function readIdentity(certFile: string, keyFile: string, now: number): ServerIdentity {
  const cert = readText(certFile)
  const key = readText(keyFile)
  const leaf = parse(cert, certFile)
  checkKey(leaf, key, certFile, keyFile)
  if (Date.parse(leaf.validTo) <= now)
    throw new CertificateError(`${certFile} expired on ${day(leaf.validTo)}; renew it`)
  if (Date.parse(leaf.validFrom) > now) {
    throw new CertificateError(`${certFile} is only valid from ${day(leaf.validFrom)}; check the clock, or the file`)
  }
  return { key, cert, caPath: undefined }
}

/**
 * The gateway's own identity under `directory`: what is there if it is good for `hosts` and not about to end, else a
 * fresh leaf; the authority is made once. Hosts are names or IP addresses; loopback and the host's name are added.
 */
export async function ownIdentity(directory: string, hosts: readonly string[], now: number): Promise<ServerIdentity> {
  mkdirSync(directory, { recursive: true, mode: 0o700 })
  const caPath = join(directory, 'ca.crt')
  const caKeyPath = join(directory, 'ca.key')
  if (!existsSync(caPath) && !existsSync(caKeyPath)) await makeAuthority(caPath, caKeyPath, now)
  const authority = readAuthority(caPath, caKeyPath, now)
  const names = subjectNames(hosts)
  const certPath = join(directory, 'tls.crt')
  const keyPath = join(directory, 'tls.key')
  const kept = keptLeaf(certPath, keyPath, authority.certificate, names, now)
  const leaf = kept ?? (await makeLeaf(authority, names, now))
  if (kept === undefined) {
    // The key first: a certificate without its key is found out at the next start, and both are made again.
    write(keyPath, leaf.key, 0o600)
    write(certPath, leaf.cert, 0o644)
  }
  return { key: leaf.key, cert: leaf.cert + authority.pem, caPath }
}

interface Authority {
  readonly certificate: X509Certificate
  readonly pem: string
  readonly keyPem: string
}

interface Leaf {
  readonly key: string
  readonly cert: string
}

function readAuthority(caPath: string, caKeyPath: string, now: number): Authority {
  const pem = readText(caPath)
  const keyPem = readText(caKeyPath)
  const certificate = parse(pem, caPath)
  checkKey(certificate, keyPem, caPath, caKeyPath)
  if (Date.parse(certificate.validTo) - now < RENEW_DAYS * DAY) {
    const message = `${caPath} ends on ${day(certificate.validTo)}; delete it and ${caKeyPath}, start again, and give clients the new ${caPath}`
    throw new CertificateError(message)
  }
  chmodSync(caKeyPath, 0o600)
  return { certificate, pem, keyPem }
}

/** The leaf on disk, if a client that trusts the authority would take it for all names for some time to come. */
function keptLeaf(
  certPath: string,
  keyPath: string,
  authority: X509Certificate,
  names: readonly JsonGeneralName[],
  now: number,
): Leaf | undefined {
  if (!existsSync(certPath) || !existsSync(keyPath)) return undefined
  try {
    const cert = readFileSync(certPath, 'utf8')
    const key = readFileSync(keyPath, 'utf8')
    const leaf = new X509Certificate(cert)
    const good =
      leaf.checkPrivateKey(createPrivateKey(key)) &&
      leaf.checkIssued(authority) &&
      leaf.verify(authority.publicKey) &&
      Date.parse(leaf.validFrom) <= now &&
      Date.parse(leaf.validTo) - now >= RENEW_DAYS * DAY &&
      names.every(({ type, value }) => (type === 'ip' ? leaf.checkIP(value) : leaf.checkHost(value)) !== undefined)
    return good ? { cert, key } : undefined
  } catch {
    return undefined // not readable as what it should be: made again
  }
}

async function makeAuthority(caPath: string, caKeyPath: string, now: number): Promise<void> {
  const keys = await webcrypto.subtle.generateKey(ALGORITHM, true, ['sign', 'verify'])
  const certificate = await X509CertificateGenerator.createSelfSigned(
    {
      serialNumber: serialNumber(),
      // The random part tells the authorities of several gateways apart in a client's store.
      name: `CN=Sallyport CA ${randomBytes(4).toString('hex')}`,
      notBefore: new Date(now - BACKDATE),
      notAfter: new Date(now + CA_DAYS * DAY),
      keys,
      signingAlgorithm: ALGORITHM,
      extensions: [
        new BasicConstraintsExtension(true, 0, true),
        new KeyUsagesExtension(KeyUsageFlags.keyCertSign | KeyUsageFlags.cRLSign, true),
        await SubjectKeyIdentifierExtension.create(keys.publicKey, false, webcrypto),
      ],
    },
    webcrypto,
  )
  write(caKeyPath, privatePem(keys.privateKey), 0o600)
  write(caPath, `${certificate.toString('pem')}\n`, 0o644)
}

async function makeLeaf(authority: Authority, names: readonly JsonGeneralName[], now: number): Promise<Leaf> {
  const keys = await webcrypto.subtle.generateKey(ALGORITHM, true, ['sign', 'verify'])
  const pkcs8 = createPrivateKey(authority.keyPem).export({ type: 'pkcs8', format: 'der' })
  const signingKey = await webcrypto.subtle.importKey('pkcs8', pkcs8, ALGORITHM, false, ['sign'])
  const issuer = new ParsedCertificate(authority.pem)
  // Python from 3.13 on refuses a chain without key identifiers.
  const extensions: Extension[] = [
    new BasicConstraintsExtension(false, undefined, true),
    new KeyUsagesExtension(KeyUsageFlags.digitalSignature, true),
    new ExtendedKeyUsageExtension([ExtendedKeyUsage.serverAuth]),
    new SubjectAlternativeNameExtension([...names]),
    await SubjectKeyIdentifierExtension.create(keys.publicKey, false, webcrypto),
    await AuthorityKeyIdentifierExtension.create(issuer.publicKey, false, webcrypto),
  ]
  const end = Math.min(now - BACKDATE + LEAF_DAYS * DAY, Date.parse(authority.certificate.validTo))
  const certificate = await X509CertificateGenerator.create(
    {
      serialNumber: serialNumber(),
      subject: 'CN=Sallyport gateway',
      issuer: issuer.subject,
      notBefore: new Date(now - BACKDATE),
      notAfter: new Date(end),
      publicKey: keys.publicKey,
      signingKey,
      signingAlgorithm: ALGORITHM,
      extensions,
    },
    webcrypto,
  )
  return { key: privatePem(keys.privateKey), cert: `${certificate.toString('pem')}\n` }
}

/** What the leaf is for. Wildcard addresses are no names, and a host name that is not DNS cannot be asked for. */
function subjectNames(hosts: readonly string[]): JsonGeneralName[] {
  const all = new Set(['localhost', '127.0.0.1', '::1', ...hosts, hostname().toLowerCase()])
  const names: JsonGeneralName[] = []
  for (const host of all) {
    if (host === '0.0.0.0' || host === '::') continue
    if (isIP(host) !== 0) names.push({ type: 'ip', value: host })
    else if (/^[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?$/.test(host)) names.push({ type: 'dns', value: host })
  }
  return names
}

/** 127 random bits: positive, and unlikely to repeat (RFC 5280 section 4.1.2.2). */
function serialNumber(): string {
  const bytes = randomBytes(16)
  bytes[0] = ((bytes[0] ?? 0) & 0x7f) | 0x40
  return bytes.toString('hex')
}

function privatePem(key: webcrypto.CryptoKey): string {
  return KeyObject.from(key).export({ type: 'pkcs8', format: 'pem' }).toString()
}

function checkKey(certificate: X509Certificate, keyPem: string, certFile: string, keyFile: string): void {
  let matches: boolean
  try {
    matches = certificate.checkPrivateKey(createPrivateKey(keyPem))
  } catch {
    throw new CertificateError(`${keyFile} is not a private key in PEM without a passphrase`)
  }
  if (!matches)
    throw new CertificateError(`${keyFile} is not the key of ${certFile}; give the pair that belongs together`)
}

function parse(pem: string, path: string): X509Certificate {
  try {
    return new X509Certificate(pem)
  } catch {
    throw new CertificateError(`${path} does not begin with a certificate in PEM`)
  }
}

function readText(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch (error) {
    const why = error instanceof Error ? error.message : 'unknown error'
    throw new CertificateError(`${path} cannot be read: ${why}`)
  }
}

/** All or nothing: a crash leaves the old file or the new one. */
function write(path: string, text: string, mode: number): void {
  const fresh = `${path}.new`
  writeFileSync(fresh, text, { mode })
  chmodSync(fresh, mode) // a left-over of a crash keeps its own mode otherwise
  renameSync(fresh, path)
}

function day(date: string): string {
  return new Date(date).toISOString().slice(0, 10)
}
