// `log-key.pem` -> the Ed25519 key that signs the log's checkpoints, made on first start. Beside it `log-key.pub` holds
// the public half as C2SP's verifiers take it: give a copy to whoever is to check the log.

import { createPrivateKey, createPublicKey, generateKeyPairSync, type KeyObject } from 'node:crypto'
import { chmod, open, readFile, writeFile } from 'node:fs/promises'
import { formatVerifierKey, type VerifierKey, verifierKey } from '../../protocols/tape/checkpoint.ts'

export interface LogKey {
  readonly path: string
  readonly privateKey: KeyObject
  readonly verifier: VerifierKey
}

/** The key in the file, made if there is none. Throws Node's own errors, and Error for a file that holds another key. */
export async function logKey(path: string): Promise<LogKey> {
  await make(path)
  // A backup or a copy may have loosened it.
  await chmod(path, 0o600)
  const privateKey = read(await readFile(path, 'utf8'))
  if (privateKey?.asymmetricKeyType !== 'ed25519') throw new Error(`${path} does not hold an Ed25519 key in PEM`)
  const verifier = verifierKey(createPublicKey(privateKey))
  await publish(path.replace(/\.pem$/, '.pub'), `${formatVerifierKey(verifier)}\n`)
  return { path, privateKey, verifier }
}

async function make(path: string): Promise<void> {
  const { privateKey } = generateKeyPairSync('ed25519')
  try {
    const file = await open(path, 'wx', 0o600)
    try {
      await file.writeFile(privateKey.export({ format: 'pem', type: 'pkcs8' }))
      // A checkpoint must not outlive the key that made it.
      await file.sync()
    } finally {
      await file.close()
    }
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
  }
}

async function publish(path: string, line: string): Promise<void> {
  const found = await readFile(path, 'utf8').catch(() => undefined)
  if (found !== line) await writeFile(path, line)
}

function read(pem: string): KeyObject | undefined {
  try {
    return createPrivateKey(pem)
  } catch {
    // The message of a failed parse may say what was in the file.
    return undefined
  }
}
