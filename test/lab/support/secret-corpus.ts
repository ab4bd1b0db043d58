// Secrets of every type, with values that are found nowhere else, and the search for them in whatever form bytes hold them.

import { generateKeyPairSync, hkdfSync, randomBytes } from 'node:crypto'
import { gzipSync } from 'node:zlib'

/** One value, by the name that a failed test shows in its place. */
interface Value {
  readonly name: string
  readonly bytes: Buffer
}

export interface SecretCorpus {
  readonly values: readonly Value[]
  /** A List for `kubectl apply`, in namespace default. */
  readonly manifest: string
  /** Names of the values of which some part is in the bytes, in any encoding. */
  foundIn(bytes: Uint8Array): string[]
}

/** The same letters for the same name: a failed run can be looked into. */
function word(name: string, length = 20): string {
  const bytes = Buffer.from(hkdfSync('sha256', 'corpus', '', name, length))
  return bytes.toString('base64url').slice(0, length)
}

/** `prefix` begins the names of the Secrets. Keys are made anew each time. */
export function secretCorpus(prefix: string): SecretCorpus {
  const values: Value[] = []
  const value = (name: string, bytes: string | Buffer): string => {
    values.push({ name, bytes: Buffer.from(bytes as string) })
    return Buffer.from(bytes as string).toString('base64')
  }
  const secret = (name: string, type: string, data: Record<string, string>, metadata = {}) => ({
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: { name: `${prefix}${name}`, namespace: 'default', labels: { corpus: 'yes' }, ...metadata },
    type,
    data,
  })
  const pem = (kind: 'rsa' | 'ec'): string => {
    const { privateKey } =
      kind === 'rsa'
        ? generateKeyPairSync('rsa', { modulusLength: 2048 })
        : generateKeyPairSync('ec', { namedCurve: 'P-256' })
    return privateKey.export({ type: 'pkcs8', format: 'pem' }).toString()
  }

  const opaque: Record<string, string> = {}
  for (let number = 1; number <= 22; number++) opaque[`key${number}`] = value(`plain ${number}`, word(`plain${number}`))
  Object.assign(opaque, {
    quoted: value('with quotes', `q"${word('quoted')}\\x&y=z é`),
    lines: value('of three lines', `${word('one', 24)}\n${word('two', 24)}\n${word('three', 24)}\n`),
    long: value('of 10 KiB', Array.from({ length: 256 }, (_, at) => word(`long${at}`, 40)).join('')),
    binary: value('of random octets', randomBytes(48)),
    json: Buffer.from(JSON.stringify({ user: 'app', password: word('inner') })).toString('base64'),
    dsn: Buffer.from(`postgres://app:${word('dsn')}@db.default.svc:5432/app`).toString('base64'),
  })
  values.push({ name: 'within JSON', bytes: Buffer.from(word('inner')) })
  values.push({ name: 'within a connection string', bytes: Buffer.from(word('dsn')) })
  const login = `robot:${word('registry')}`
  const registry = { username: 'robot', password: word('registry'), auth: Buffer.from(login).toString('base64') }
  values.push({ name: 'of a registry', bytes: Buffer.from(word('registry')) })
  const old = { 'registry.example.com': { ...registry, password: word('old-registry') } }
  values.push({ name: 'of an old registry', bytes: Buffer.from(word('old-registry')) })
  const release = gzipSync(JSON.stringify({ name: 'app', config: { password: word('helm') } })).toString('base64')

  const items = [
    secret('opaque', 'Opaque', opaque),
    secret('basic', 'kubernetes.io/basic-auth', {
      username: Buffer.from('admin').toString('base64'),
      password: value('of basic-auth', word('basic')),
    }),
    secret('ssh', 'kubernetes.io/ssh-auth', { 'ssh-privatekey': value('an ssh key', pem('ec')) }),
    secret('docker', 'kubernetes.io/dockerconfigjson', {
      '.dockerconfigjson': Buffer.from(JSON.stringify({ auths: { 'registry.example.com': registry } })).toString(
        'base64',
      ),
    }),
    secret('dockercfg', 'kubernetes.io/dockercfg', {
      '.dockercfg': Buffer.from(JSON.stringify(old)).toString('base64'),
    }),
    secret('tls', 'kubernetes.io/tls', {
      'tls.crt': Buffer.from('-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n').toString('base64'),
      'tls.key': value('a TLS key', pem('rsa')),
    }),
    secret('bootstrap', 'bootstrap.kubernetes.io/token', {
      'token-id': Buffer.from('abcdef').toString('base64'),
      'token-secret': value('of a bootstrap token', word('bootstrap', 16)),
    }),
    secret(
      'account',
      'kubernetes.io/service-account-token',
      { token: value('of a service account', word('account', 60)) },
      { annotations: { 'kubernetes.io/service-account.name': 'default' } },
    ),
    secret('sh.helm.release.v1.app.v1', 'helm.sh/release.v1', { release: value('a Helm release', release) }),
    {
      apiVersion: 'v1',
      kind: 'Secret',
      metadata: { name: `${prefix}text`, namespace: 'default', labels: { corpus: 'yes' } },
      stringData: Object.fromEntries(
        [1, 2, 3, 4].map((number) => {
          value(`text ${number}`, word(`text${number}`, 30))
          return [`text${number}`, word(`text${number}`, 30)]
        }),
      ),
    },
  ]
  const needles = values.map(({ name, bytes }) => ({ name, forms: formsOf(bytes) }))
  return {
    values,
    manifest: JSON.stringify({ apiVersion: 'v1', kind: 'List', items }),
    foundIn(bytes) {
      const plain = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length)
      const joined = Buffer.from(withoutBreaks(plain.toString('latin1')), 'latin1')
      return needles
        .filter(({ forms }) => forms.some((form) => plain.includes(form) || joined.includes(form)))
        .map(({ name }) => name)
    },
  }
}

/** Line ends, also those that JSON escapes, and what a terminal does not show. */
function withoutBreaks(text: string): string {
  return text.replace(/\\n|\\r|[\r\n]|\x1b\[[0-9;?]*[ -/]*[@-~]/g, '')
}

/** A longer value is found by any of its parts of so many octets. */
const PART = 16

function formsOf(bytes: Buffer): Buffer[] {
  const flat = Buffer.from(withoutBreaks(bytes.toString('latin1')), 'latin1')
  const parts = [bytes.subarray(0, PART), flat.subarray(0, PART), flat.subarray(-PART)]
  if (flat.length > 4 * PART) {
    // The first line of a key is the same in all keys.
    const middle = flat.length >> 1
    parts.splice(0, 3, flat.subarray(middle, middle + PART), flat.subarray(-4 * PART, -3 * PART))
  }
  return parts.flatMap((part) => [
    part,
    Buffer.from(part.toString('hex')),
    Buffer.from(part.toString('hex').toUpperCase()),
    Buffer.from(encodeURIComponent(part.toString('latin1')), 'latin1'),
    Buffer.from(JSON.stringify(part.toString('utf8')).slice(1, -1)),
    ...[0, 1, 2].map((shift) => base64Core(part, shift)),
    // Base64 of base64, as in a manifest within a Secret.
    base64Core(base64Core(part, 0), 0),
  ])
}

/** The characters of base64 that do not depend on what stands before and behind. */
function base64Core(part: Buffer, shift: number): Buffer {
  const text = Buffer.concat([Buffer.alloc(shift), part])
    .toString('base64')
    .replace(/=+$/, '')
  const whole = Math.floor(((shift + part.length) * 8) / 6)
  return Buffer.from(text.slice(shift === 0 ? 0 : shift + 1, whole))
}
