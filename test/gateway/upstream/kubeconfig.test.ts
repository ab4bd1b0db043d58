import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { stringify } from 'yaml'
import { KubeconfigError, readKubeconfig } from '../../../gateway/upstream/kubeconfig.ts'
import { type PeerIdentity, peerIdentity } from '../../support/peer-pki.ts'

const SECRET = 'eyJhbGciOi-secret-token'
let directory: string
let peer: PeerIdentity

before(async () => {
  directory = mkdtempSync(join(tmpdir(), 'sallyport-kubeconfig-'))
  peer = await peerIdentity()
})

after(() => rmSync(directory, { recursive: true }))

function base64(text: string): string {
  return Buffer.from(text).toString('base64')
}

function write(text: string): string {
  const path = join(directory, 'kubeconfig')
  writeFileSync(path, text)
  return path
}

function kubeconfig(cluster: object, user: object): string {
  return write(
    stringify({
      apiVersion: 'v1',
      kind: 'Config',
      'current-context': 'main',
      contexts: [{ name: 'main', context: { cluster: 'prod', user: 'gateway', namespace: 'web' } }],
      clusters: [{ name: 'prod', cluster: { 'certificate-authority-data': base64(peer.ca), ...cluster } }],
      // An entry of somebody else's that nobody here could use must not matter.
      users: [
        { name: 'gateway', user },
        { name: 'other', user: { exec: { apiVersion: 'v0' } } },
      ],
    }),
  )
}

test('a kubeconfig says where the cluster is, what it is known by and how the gateway shows itself', () => {
  const { address, user } = readKubeconfig(
    kubeconfig({ server: 'https://API.example:6443/k8s/c-1/' }, { token: SECRET }),
  )
  assert.deepEqual(address, {
    host: 'api.example',
    port: 6443,
    authority: 'api.example:6443',
    basePath: '/k8s/c-1',
    serverName: 'api.example',
    ca: peer.ca,
  })
  assert.deepEqual(user, { token: SECRET, tokenFile: undefined, certificate: undefined, exec: undefined })
})

test('servers: default port, IPv6, and another name for TLS', () => {
  const cases: [object, Partial<ReturnType<typeof readKubeconfig>['address']>][] = [
    [{ server: 'https://api.example' }, { port: 443, authority: 'api.example', basePath: '' }],
    [{ server: 'https://[::1]:6443' }, { host: '::1', port: 6443, authority: '[::1]:6443', serverName: '::1' }],
    [
      { server: 'https://10.0.0.1', 'tls-server-name': 'kubernetes' },
      { host: '10.0.0.1', serverName: 'kubernetes' },
    ],
  ]
  for (const [cluster, expected] of cases) {
    const { address } = readKubeconfig(kubeconfig(cluster, { token: SECRET }))
    for (const [key, value] of Object.entries(expected)) assert.equal(address[key as keyof typeof address], value)
  }
})

test('paths are relative to the file, and data wins over a path', () => {
  mkdirSync(join(directory, 'tls'), { recursive: true })
  writeFileSync(join(directory, 'tls', 'ca.crt'), peer.ca)
  writeFileSync(join(directory, 'tls', 'client.crt'), peer.cert)
  writeFileSync(join(directory, 'tls', 'client.key'), peer.key)
  const path = kubeconfig(
    { server: 'https://a', 'certificate-authority-data': undefined, 'certificate-authority': 'tls/ca.crt' },
    {
      'client-certificate': 'tls/client.crt',
      'client-key': 'does/not/exist',
      'client-key-data': base64(peer.key),
      tokenFile: 'token',
    },
  )
  const { address, user } = readKubeconfig(path)
  assert.equal(address.ca, peer.ca)
  assert.deepEqual(user.certificate, { certificate: peer.cert, key: peer.key })
  assert.equal(user.tokenFile, join(directory, 'token'))
  const exec = { apiVersion: 'client.authentication.k8s.io/v1', command: './bin/plugin', args: ['a'], env: null }
  assert.deepEqual(readKubeconfig(kubeconfig({ server: 'https://a' }, { exec })).user.exec, {
    apiVersion: 'client.authentication.k8s.io/v1',
    command: join(directory, 'bin/plugin'),
    args: ['a'],
    env: {},
    cluster: undefined,
  })
})

test('exec is told about its cluster where the kubeconfig says so', () => {
  const exec = {
    apiVersion: 'client.authentication.k8s.io/v1beta1',
    command: 'aws',
    env: [{ name: 'AWS_PROFILE', value: 'gateway' }],
    provideClusterInfo: true,
    interactiveMode: 'IfAvailable',
  }
  const extensions = [{ name: 'client.authentication.k8s.io/exec', extension: { audience: 'x' } }]
  const { user } = readKubeconfig(kubeconfig({ server: 'https://a', extensions }, { exec }))
  assert.deepEqual(user.exec, {
    apiVersion: 'client.authentication.k8s.io/v1beta1',
    command: 'aws',
    args: [],
    env: { AWS_PROFILE: 'gateway' },
    cluster: { server: 'https://a', 'certificate-authority-data': base64(peer.ca), config: { audience: 'x' } },
  })
})

test('what cannot be used safely is refused, and the message says what to change and holds no secret', () => {
  const good = { server: 'https://a' }
  const exec = { apiVersion: 'client.authentication.k8s.io/v1', command: 'x' }
  const cases: [object, object, RegExp][] = [
    [{ ...good, 'insecure-skip-tls-verify': true }, { token: SECRET }, /insecure-skip-tls-verify .* remove it/],
    [{ ...good, 'proxy-url': 'http://p' }, { token: SECRET }, /proxy-url is not supported/],
    [{ server: 'http://a' }, { token: SECRET }, /must start with https/],
    [{ server: 'a:6443' }, { token: SECRET }, /must start with https/],
    [{ server: '//' }, { token: SECRET }, /server is not a URL/],
    [{ server: `https://u:${SECRET}@a` }, { token: SECRET }, /and nothing else/],
    [{ server: 'https://a/?x=1' }, { token: SECRET }, /and nothing else/],
    [{ ...good, 'certificate-authority-data': 'bm90IHBlbQ==' }, { token: SECRET }, /not PEM in base64/],
    [{ ...good, 'certificate-authority-data': base64('-----BEGIN X') }, { token: SECRET }, /not a PEM certificate/],
    [{}, { token: SECRET }, /cluster "prod": server: /],
    [good, {}, /has no credential: give token/],
    [good, { token: 7 }, /user "gateway": token: /],
    [good, { token: `${SECRET}\nX: y` }, /characters that no bearer token has/],
    [good, { username: 'u', password: SECRET }, /username: .* use a token/],
    [good, { token: SECRET, as: 'admin' }, /as: the gateway says itself/],
    [good, { token: SECRET, 'as-groups': ['system:masters'] }, /as-groups: /],
    [good, { 'auth-provider': { name: 'gcp' } }, /auth-provider was removed/],
    [good, { exec, token: SECRET }, /beside another credential/],
    [good, { exec: { ...exec, apiVersion: 'client.authentication.k8s.io/v1alpha1' } }, /exec: apiVersion/],
    [good, { exec: { ...exec, interactiveMode: 'Always' } }, /needs a terminal/],
    [good, { 'client-certificate-data': base64(peer.cert) }, /go together; one is missing/],
    [good, { 'client-certificate-data': base64(peer.cert), 'client-key-data': base64(peer.ca) }, /not of the same key/],
    [good, { 'client-certificate': 'none.crt', 'client-key': 'none.key' }, /none\.crt cannot be read/],
  ]
  for (const [cluster, user, message] of cases) {
    assert.throws(() => readKubeconfig(kubeconfig(cluster, user)), { constructor: KubeconfigError, message })
    assert.throws(
      () => readKubeconfig(kubeconfig(cluster, user)),
      (error: Error) => !error.message.includes(SECRET) && !error.message.includes('PRIVATE'),
    )
  }
})

test('a file that is no kubeconfig is named, with the line and never the text of it', () => {
  const cases: [string, RegExp][] = [
    [`a: 1\nusers: [${SECRET}`, /line 2 is not valid YAML/],
    ['- 1', /the file: /],
    ['users: 7', /the file: users: /],
    ['{}', /no current-context/],
    ['current-context: x', /no context named "x"/],
    ['current-context: x\ncontexts: [{name: x, context: {cluster: c, user: u}}]', /no cluster named "c"/],
    ['a: &a [x]\nb: &b [*a,*a,*a,*a,*a,*a,*a,*a,*a]\nc: [*b,*b,*b,*b,*b,*b,*b,*b,*b,*b,*b,*b]', /kubeconfig .*: /],
  ]
  for (const [text, message] of cases) {
    assert.throws(() => readKubeconfig(write(text)), { constructor: KubeconfigError, message })
    assert.throws(
      () => readKubeconfig(write(text)),
      (error: Error) => !error.message.includes(SECRET),
    )
  }
  assert.throws(() => readKubeconfig(join(directory, 'none')), {
    constructor: KubeconfigError,
    message: /cannot be read/,
  })
  const path = kubeconfig({ server: 'https://a' }, { token: SECRET })
  assert.throws(() => readKubeconfig(path, 'staging'), { message: /no context named "staging"/ })
})
