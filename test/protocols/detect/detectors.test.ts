import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Detection } from '../../../protocols/detect/detection.ts'
import { DETECTORS } from '../../../protocols/detect/detectors.ts'
import { maskAnyCut, maskText } from '../../support/masked-text.ts'

// Made up, and put together here so that no scanner of repositories takes them for real.
const MIXED = 'aB3dE6gH9jK2mN5pQ8sT1vW4xY7zA0cD'
const LONG = MIXED.repeat(4)
const base64 = (text: string): string => Buffer.from(text).toString('base64')
const base64url = (text: string): string => Buffer.from(text).toString('base64url')
const JWT = `${base64url('{"alg":"RS256","kid":"k1"}')}.${base64url('{"sub":"system:serviceaccount:a:b"}')}.${MIXED}_-`
const KEY_LINES = [`MIIEpAIBAAKCAQEA${MIXED}${MIXED.slice(0, 16)}`, `${MIXED}${MIXED}`, `${MIXED}/+==`]
const pem = (label: string, body: readonly string[] = KEY_LINES): string =>
  `-----BEGIN ${label}-----\n${body.map((line) => `«${line}»`).join('\n')}\n-----END ${label}-----\n`
const CERTIFICATE = `-----BEGIN CERTIFICATE-----\n${KEY_LINES.join('\n')}\n-----END CERTIFICATE-----\n`

interface Vectors {
  /** What is masked stands between « and ». */
  readonly masked: readonly string[]
  readonly unmasked: readonly string[]
}

const VECTORS: Readonly<Record<string, Vectors>> = {
  'private-key': {
    masked: [
      pem('PRIVATE KEY'),
      pem('RSA PRIVATE KEY'),
      pem('EC PRIVATE KEY'),
      pem('OPENSSH PRIVATE KEY'),
      pem('ENCRYPTED PRIVATE KEY'),
      `-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\nDEK-Info: AES-128-CBC,0A1B\n\n«${MIXED}»\n-----END RSA PRIVATE KEY-----`,
      `-----BEGIN PGP PRIVATE KEY BLOCK-----\nVersion: GnuPG v2\n\n«${LONG}»\n«=aB3d»\n-----END PGP PRIVATE KEY BLOCK-----`,
      `{"key":"-----BEGIN PRIVATE KEY-----\\n«${MIXED}»\\n«${MIXED}»\\n-----END PRIVATE KEY-----\\n","a":1}`,
      // JSON in a string of JSON.
      `{"a":"{\\"key\\":\\"-----BEGIN PRIVATE KEY-----\\\\n«${MIXED}\\\\n${MIXED}\\\\n»-----END PRIVATE KEY-----\\\\n\\"}"}`,
      `tls.key: |\r\n  -----BEGIN PRIVATE KEY-----\r\n  «${MIXED}»\r\n  «${MIXED}»\r\n  -----END PRIVATE KEY-----\r\n`,
      // Cut off: head -c, a log's limitBytes.
      `-----BEGIN PRIVATE KEY-----\n«${MIXED}»`,
      `-----BEGIN PRIVATE KEY-----\n«${MIXED}${MIXED}»`,
      `key-data: «${base64(pem('PRIVATE KEY').replaceAll(/[«»]/g, '')).replace(/=+$/, '')}»=`.replace('»=', '»='),
    ],
    unmasked: [
      CERTIFICATE,
      `-----BEGIN PUBLIC KEY-----\n${MIXED}\n-----END PUBLIC KEY-----\n`,
      `ca: ${base64(CERTIFICATE)}`,
      'grep for -----BEGIN PRIVATE KEY----- in "files"',
      // A header, its name as long as a body's line.
      `-----BEGIN PRIVATE KEY-----\n${MIXED}${MIXED}: x\n`,
    ],
  },
  jwt: {
    masked: [
      `token «${JWT}» end`,
      `«${base64url('{"alg":"none"}')}.${base64url('{"sub":"someone"}')}.»`,
      `{"t":"«${JWT}»"}`,
      `token: «${base64(JWT).replace(/=+$/, '')}»`,
      `«${base64url('{\n  "alg": "HS256"}')}.${base64url('{"sub":"someone"}')}.${MIXED}»`,
    ],
    unmasked: [
      'eyJhIjoxfQ.abc',
      'com.example.eyJob.service',
      `eyJ${MIXED}.${MIXED}.${MIXED}`,
      'a.b.c',
      'eyJhbGciOiJIUzI1NiJ9',
    ],
  },
  'connection-string': {
    masked: [
      'postgres://app:«p4ssw0rd»@db.prod:5432/orders?sslmode=require',
      'amqp://guest:«gu%40est!»@mq:5672/',
      'redis://:«s3cr3tp4ss»@cache:6379/0',
      '"url":"mongodb+srv://u:«a#b/c?d»@cluster0.example.net/db"',
      '"url":"postgres://app:«p4ss\\u0026w\\\\u003c9»@db/orders"',
      'git clone https://x-access-token:«abcdefgh»@github.com/a/b',
    ],
    unmasked: [
      'http://localhost:8080/a@b',
      '"db://host:5432\\nuser@host","db://a:b\\u12 c@d"',
      'https://example.com:443/path?u=a:b@c',
      'postgres://app@db/orders',
      `postgres://app:\${DB_PASSWORD}@db/orders`,
      'postgres://user:password@host/db',
      'see http://a.b/c:d e@f',
    ],
  },
  authorization: {
    masked: [
      `Authorization: Bearer «${MIXED}»`,
      `> authorization: bearer «${MIXED}»\r\n> accept: */*`,
      `{"Authorization":"Basic «${base64('user:hunter22').replace(/=+$/, '')}»"}`.replace('»"', '»"'),
      `-H 'Authorization: token «abcdef0123456789abcd»'`,
      `curl -H "Authorization: «${MIXED}»"`,
      `Bearer «${LONG}${LONG}»`,
    ],
    unmasked: [
      'Authorization: Bearer <token>',
      'WWW-Authenticate: Bearer realm="kubernetes"',
      'authorization.k8s.io/v1 SelfSubjectAccessReview',
      'authorization-mode: Node,RBAC',
      'Basic authentication is disabled',
      'the bearer of this-long-hyphenated-word-here',
    ],
  },
  aws: {
    masked: [
      'id «AKIAIOSFODNN7EXAMPLE» used',
      'AWS_ACCESS_KEY_ID=«ASIAIOSFODNN7EXAMPLE»',
      `aws_secret_access_key = «${'wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY'}»`,
      `"SecretAccessKey": "«${'wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY'}»",`,
      `<SecretAccessKey>«${'wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY'}»</SecretAccessKey>`,
      `AWS_SESSION_TOKEN=«${LONG}/+${LONG}» x`,
    ],
    unmasked: [
      'arn:aws:iam::123456789012:role/AKIAlike',
      'AKIAIOSFODNN7EXAMPLEAKIAIOSFODNN7EXAMPLE',
      'aws_secret_access_key = short',
      's3://my-bucket/AKIA',
      'EKS_CLUSTER=prod S3_BUCKET=logs',
    ],
  },
  azure: {
    masked: [
      `AccountName=x;AccountKey=«${LONG.slice(0, 86)}==»;EndpointSuffix=core.windows.net`,
      `https://a.blob.core.windows.net/c?sv=2020&sig=«${MIXED}${MIXED.slice(0, 11)}%3D»&se=1`,
      `secret abc«8Q~${MIXED}» x`,
      `Endpoint=sb://x/;SharedAccessKeyName=root;SharedAccessKey=«${LONG.slice(0, 43)}=»`,
    ],
    unmasked: ['AccountKey=short', 'abc8Q~short', '&signal=1'],
  },
  kubeconfig: {
    masked: [`client-key-data: «${base64(CERTIFICATE).replace(/=+$/, '')}»`],
    unmasked: [`certificate-authority-data: ${base64(CERTIFICATE)}`, `client-certificate-data: ${base64(CERTIFICATE)}`],
  },
  assignment: {
    masked: [
      'password=«hunter22»; next',
      'DB_PASSWORD=«Tr0ub4dor&3»\n'.replace('&3»', '»&3'),
      '"apiKey": "«ab12cd34ef56»"',
      "client_secret: '«x9Y8z7W6v5»'",
      '--token «ab12cd34ef56gh78»',
      'kubeadm join --token «abcdef.0123456789abcdef»',
      'passwd:   «hunter22x»',
      '- name: DB_PASSWORD\n  value: «hunter22x»',
      '{"name":"API_TOKEN","value":"«ab12cd34ef56»"}',
      '"name": "DB_PASS",\n          "value": "«s3cr3tpw»"',
      `{"log":"password=\\"«hunter22»\\" rest"}`,
      JSON.stringify(JSON.stringify({ apiKey: '«ab12cd34ef56»', a: 1 })),
      JSON.stringify(JSON.stringify(JSON.stringify({ name: 'DB_PASSWORD', value: '«hunter22x»' }))),
      `secret_key = "«${MIXED}»"`,
      `spring.datasource.password=«${LONG}${LONG}${LONG}» z`,
      '      DB_PASSWORD:            «hunter22»\n',
      `?access_token=«${MIXED}»&x=1`,
      `"token":"«${MIXED.slice(0, 18)}»=="`,
    ],
    unmasked: [
      'password: ""',
      'secretName: my-tls-7f9c4d2b1a',
      `token: \${VAR}`,
      'token: $(cat /tmp/x1)',
      'tokenTTL: 3600s900',
      'serviceAccountToken: a1b2c3d4e5f6',
      'password: required',
      'passwordSecretRef: abc123def456',
      'secret: db-credentials-v2',
      'tokenFile: /var/run/secrets/token1',
      'token: 123456',
      'password=true',
      'api_key: <your key 123>',
      'publicKey: a1b2c3d4e5f6g7h8',
      '--- PASS: TestFoo2 (0.00s)',
      'imagePullSecrets: [a1b2c3d4]',
      'token=~mask~~~~~~~1a',
      'secret=/mask+//////1a',
      `password: ${base64('sallyport-masked-0123456789abcdef')}`,
      'password: sallyport-masked-0123456789abcdef',
    ],
  },
  github: {
    masked: [`«ghp_${MIXED}0000»`, `url=https://«ghs_${MIXED}0000»@x`, `«github_pat_${MIXED}_${MIXED}»`],
    unmasked: ['ghp_short', `xghp_${MIXED}0000`],
  },
  gitlab: { masked: [`«glpat-${MIXED.slice(0, 20)}»`], unmasked: ['glpat-short'] },
  slack: {
    masked: [
      `«xoxb-123456789012-${MIXED}»`,
      `https://«hooks.slack.com/services/T0000/B0000/${MIXED}»`,
      `«xapp-1-A1-${MIXED}${MIXED}»`,
    ],
    unmasked: ['xoxb-short', 'hooks.slack.com/services/'],
  },
  google: { masked: [`key=«AIza${MIXED}abc»`, `«ya29.${LONG}» x`], unmasked: ['AIzashort', `AIza${LONG}`] },
  'eks-token': { masked: [`"token":"«k8s-aws-v1.${LONG}»"`], unmasked: ['k8s-aws-v1.x'] },
  npm: { masked: [`//registry/:_authToken=«npm_${MIXED}0000»`], unmasked: ['npm_config_cache'] },
  pypi: { masked: [`«pypi-AgEIcHlwaS5vcmc${LONG}»`], unmasked: ['pypi-server'] },
  'docker-hub': { masked: [`«dckr_pat_${MIXED}»`], unmasked: ['dckr_pat_x'] },
  stripe: { masked: [`«sk_live_${MIXED}»`, `«whsec_${MIXED}»`], unmasked: ['sk_live_x'] },
  openai: { masked: [`«sk-proj-${LONG}»`], unmasked: ['sk-project'] },
  anthropic: { masked: [`«sk-ant-api03-${LONG}»`], unmasked: ['sk-ant-x'] },
}

test('every detector has vectors', () => {
  assert.deepEqual(Object.keys(VECTORS).sort(), [...DETECTORS.keys()].sort())
})

for (const [name, { masked, unmasked }] of Object.entries(VECTORS)) {
  const alone = new Detection({ detectors: new Set([name]), patterns: [], learned: undefined })
  for (const vector of masked) {
    test(`${name}: what is marked is masked, under any cut: ${shown(vector)}`, () => {
      const text = vector.replaceAll(/[«»]/g, '')
      const { text: out, rules, count } = maskAnyCut(alone, text)
      assert.equal(out, expected(vector, out))
      assert.equal(rules, name)
      assert.equal(count, 1)
      assert.ok(/~mask~|\/mask\+/.test(out))
    })
  }
  for (const text of unmasked) {
    test(`${name}: nothing is masked: ${shown(text)}`, () => {
      const all = new Detection({ detectors: new Set(DETECTORS.keys()), patterns: [], learned: undefined })
      assert.deepEqual(maskAnyCut(alone, text), { text, rules: '', count: 0 })
      assert.equal(maskText(all, text).text, text)
    })
  }
}

/** The vector with what came out in the marked places, where every character must be of a mask. */
function expected(vector: string, out: string): string {
  let at = 0
  let isMarked = false
  let text = ''
  for (const character of vector) {
    if (character === '«' || character === '»') {
      isMarked = character === '«'
      continue
    }
    const came = out[at++] ?? ''
    if (isMarked) assert.match(came, /[~mask/+]/, `not masked: ${character}`)
    text += isMarked ? came : character
  }
  return text
}

function shown(text: string): string {
  return JSON.stringify(text).slice(0, 60)
}
