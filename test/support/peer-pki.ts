// Certificates for tests on loopback: a server's, by an authority of the gateway's own making, and a client's.

import 'reflect-metadata'
import { KeyObject, webcrypto } from 'node:crypto'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { X509CertificateGenerator } from '@peculiar/x509'
import { ownIdentity } from '../../gateway/pki.ts'

export interface PeerIdentity {
  readonly key: string
  readonly cert: string
  /** The authority, PEM. */
  readonly ca: string
}

/** A P-256 leaf for localhost, 127.0.0.1 and ::1, and its authority; the directory is removed again. */
export async function peerIdentity(): Promise<PeerIdentity> {
  const directory = mkdtempSync(join(tmpdir(), 'sallyport-peer-'))
  try {
    const { key, cert } = await ownIdentity(directory, [], Date.now())
    return { key, cert, ca: readFileSync(join(directory, 'ca.crt'), 'utf8') }
  } finally {
    rmSync(directory, { recursive: true })
  }
}

/** A self-signed P-256 certificate with the subject CN=gateway; who trusts it gives it as its authority. PEM. */
export async function clientCertificate(): Promise<{ certificate: string; key: string }> {
  const algorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' }
  const keys = await webcrypto.subtle.generateKey(algorithm, true, ['sign', 'verify'])
  const made = await X509CertificateGenerator.createSelfSigned(
    { name: 'CN=gateway', keys, signingAlgorithm: algorithm },
    webcrypto,
  )
  const key = KeyObject.from(keys.privateKey).export({ type: 'pkcs8', format: 'pem' }).toString()
  return { certificate: made.toString('pem'), key }
}
