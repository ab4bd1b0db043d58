// Ordinary text without a credential in it, as clusters, tools and programs print it, made from templates: the same each time. Full
// of what looks like credentials and is none: digests, ids, certificates, names of tokens and of Secrets.

import { createHash } from 'node:crypto'

/** Text by what it imitates, in lines; all of it together at least `bytes` long. */
export function ordinaryText(bytes: number): ReadonlyMap<string, string> {
  const kinds = Object.entries(KINDS)
  const texts = new Map<string, string>()
  for (const [name, make] of kinds) {
    const parts: string[] = []
    for (let at = 0, length = 0; length < bytes / kinds.length; at++) {
      const part = make(new Chance(`${name} ${at}`))
      parts.push(part)
      length += part.length
    }
    texts.set(name, parts.join(''))
  }
  return texts
}

/** Values that look random and are the same each time. */
class Chance {
  readonly #seed: string
  #drawn = 0

  constructor(seed: string) {
    this.#seed = seed
  }

  hash(algorithm: 'sha1' | 'sha256' | 'sha512' = 'sha256'): Buffer {
    this.#drawn += 1
    return createHash(algorithm).update(`${this.#seed} ${this.#drawn}`).digest()
  }

  hex(length: number): string {
    return this.hash('sha512').toString('hex').slice(0, length)
  }

  below(most: number): number {
    return this.hash().readUInt32LE(0) % most
  }

  of<T>(values: readonly T[]): T {
    return values[this.below(values.length)] as T
  }

  get uid(): string {
    const digits = this.hex(32)
    return [
      digits.slice(0, 8),
      digits.slice(8, 12),
      `4${digits.slice(13, 16)}`,
      `a${digits.slice(17, 20)}`,
      digits.slice(20),
    ].join('-')
  }

  /** Of a pod: a template's hash and five characters. */
  get podName(): string {
    const letters = [...this.hash()].map((octet) => 'bcdfghjklmnpqrstvwxz2456789'[octet % 27]).join('')
    return `${this.of(APPS)}-${letters.slice(0, 10)}-${letters.slice(10, 15)}`
  }

  get time(): string {
    const two = (most: number): string => String(this.below(most)).padStart(2, '0')
    return `2026-11-${two(28)}T${two(24)}:${two(60)}:${two(60)}`
  }

  base64(length: number): string {
    return Buffer.concat([this.hash('sha512'), this.hash('sha512'), this.hash('sha512'), this.hash('sha512')])
      .toString('base64')
      .slice(0, length)
  }

  certificate(): string {
    const lines = Array.from({ length: 12 }, (_, at) => `${at === 0 ? 'MIID' : ''}${this.base64(at === 0 ? 60 : 64)}`)
    return ['-----BEGIN CERTIFICATE-----', ...lines, '-----END CERTIFICATE-----', ''].join('\n')
  }
}

const APPS = [
  'web',
  'orders-api',
  'token-service',
  'secret-sync',
  'auth-proxy',
  'password-reset',
  'kube-proxy',
  'cert-manager',
  'vault-agent',
] as const
const NAMESPACES = ['default', 'kube-system', 'prod', 'monitoring', 'payments'] as const
const FILES = ['reconcile', 'token_controller', 'secret_manager', 'reflector', 'leaderelection'] as const

const KINDS: Readonly<Record<string, (chance: Chance) => string>> = {
  'kubectl get pods -o yaml': podYaml,
  'kubectl get deployments -o json': (chance) => `${JSON.stringify(deployment(chance), undefined, 4)}\n`,
  'a list in one line of JSON': (chance) =>
    `${JSON.stringify({ kind: 'List', items: [deployment(chance), configMap(chance)] })}\n`,
  'kubectl describe pod': describePod,
  'kubectl get -A': (chance) =>
    `${chance.of(NAMESPACES).padEnd(16)}${chance.podName.padEnd(44)}1/1     Running   ${chance.below(9)}   ${chance.below(90)}d   10.0.${chance.below(255)}.${chance.below(255)}\n`,
  'webhooks and certificates': (chance) =>
    `apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: kube-root-ca.crt\n  resourceVersion: "${chance.below(1e9)}"\n  uid: ${chance.uid}\ndata:\n  ca.crt: |\n${chance.certificate().replace(/^(?=.)/gm, '    ')}---\nwebhooks:\n- clientConfig:\n    caBundle: ${Buffer.from(chance.certificate()).toString('base64')}\n    service: {name: webhook, namespace: cert-manager, port: 443}\n`,
  'logs of Go': (chance) =>
    `I1128 10:${chance.below(50) + 10}:10.${chance.below(899_999) + 100_000}       1 ${chance.of(FILES)}.go:${chance.below(900)}] "${chance.of(['Syncing secret', 'Token expired', 'Refreshing credentials', 'Password policy updated', 'Generated key'])}" secret="${chance.of(NAMESPACES)}/${chance.podName}" token="${chance.of(APPS)}-token" keyID=${chance.below(99)} uid="${chance.uid}" etag="${chance.hex(32)}"\n`,
  'logs of Java': (chance) =>
    `${chance.time.replace('T', ' ')},${chance.below(899) + 100} INFO  [http-nio-8080-exec-${chance.below(9)}] o.s.s.w.a.PasswordEncoderFactory - request ${chance.uid} traceId=${chance.hex(32)} spanId=${chance.hex(16)} token.expiry=3600 session=${chance.of(['new', 'renewed'])}\n\tat org.springframework.security.crypto.password.DelegatingPasswordEncoder.matches(DelegatingPasswordEncoder.java:${chance.below(900)})\n`,
  'logs of Node': (chance) =>
    `${JSON.stringify({ level: 30, time: 1_790_000_000_000 + chance.below(1e9), pid: chance.below(9_999), hostname: chance.podName, reqId: chance.uid, msg: chance.of(['token verified', 'password changed', 'secret rotated', 'request completed']), responseTime: chance.below(900), tokenType: 'Bearer', secretName: chance.podName })}\n`,
  'access logs': (chance) =>
    `10.0.${chance.below(255)}.${chance.below(255)} - - [28/Nov/2026:10:00:00 +0000] "GET /api/v1/namespaces/${chance.of(NAMESPACES)}/secrets/${chance.podName}?resourceVersion=${chance.below(1e9)}&timeoutSeconds=300&continue=${chance.base64(40).replaceAll('+', '-').replaceAll('/', '_')} HTTP/2.0" 200 ${chance.below(9_999)} "-" "kubectl/v1.33.0 (linux/amd64) kubernetes/${chance.hex(7)}" ${chance.hex(32)}\n`,
  'audit logs': (chance) =>
    `${JSON.stringify({ kind: 'Event', apiVersion: 'audit.k8s.io/v1', level: 'Metadata', auditID: chance.uid, stage: 'ResponseComplete', requestURI: '/apis/authentication.k8s.io/v1/tokenreviews', verb: 'create', user: { username: `system:serviceaccount:kube-system:${chance.of(APPS)}`, extra: { 'authentication.kubernetes.io/credential-id': [`JTI=${chance.uid}`] } }, annotations: { 'authorization.k8s.io/decision': 'allow', 'authorization.k8s.io/reason': 'RBAC: allowed by ClusterRoleBinding "token-reviewer"' } })}\n`,
  'terraform plan': (chance) =>
    `  # aws_secretsmanager_secret.${chance.of(FILES)} will be updated in-place\n  ~ resource "aws_secretsmanager_secret" "this" {\n      + arn             = "arn:aws:secretsmanager:eu-central-1:123456789012:secret:${chance.podName}"\n      + kms_key_id      = "arn:aws:kms:eu-central-1:123456789012:key/${chance.uid}"\n      ~ password        = (sensitive value)\n      ~ token           = (known after apply)\n      + access_key_id   = (known after apply)\n        id              = "${chance.hex(20)}"\n      + etag            = "${chance.hex(32)}"\n    }\n`,
  'helm values': (chance) =>
    `auth:\n  enabled: true\n  existingSecret: ${chance.podName}\n  passwordSecretKey: postgres-password\n  password: ""\n  secretKeyRef: {name: ${chance.podName}, key: token}\n  tokenTTL: ${chance.below(9_999)}s\n  tokenPath: /var/run/secrets/tokens/${chance.podName}\n  serviceAccountToken: {audience: vault, expirationSeconds: 3600}\nimage:\n  repository: registry.example.com/${chance.of(APPS)}\n  digest: sha256:${chance.hex(64)}\n  pullSecrets: [registry-credentials]\nsecret: \${SECRET_FROM_ENV}\napiKey: {{ .Values.apiKey | quote }}\n`,
  'lock files': (chance) =>
    `    "node_modules/${chance.of(APPS)}": {\n      "version": "${chance.below(9)}.${chance.below(99)}.${chance.below(9)}",\n      "resolved": "https://registry.example.com/${chance.of(APPS)}/-/x-1.0.0.tgz",\n      "integrity": "sha512-${chance.hash('sha512').toString('base64')}"\n    },\ngolang.org/x/${chance.of(APPS)} v0.${chance.below(99)}.0 h1:${chance.hash().toString('base64')}\n`,
  'git and docker': (chance) =>
    `commit ${chance.hex(40)}\nAuthor: Jo <jo@example.com>\n\n    Rotate the token of ${chance.of(APPS)} and its password policy\n\n#8 sha256:${chance.hex(64)} ${chance.below(99)}.2MB / 99.0MB 0.${chance.below(9)}s\n#9 [build 4/7] RUN --mount=type=secret,id=npm_token npm ci --ignore-scripts\nstep ${chance.below(9)}: Pulling from registry.example.com/${chance.of(APPS)}@sha256:${chance.hex(64)}\n`,
  metrics: (chance) =>
    `apiserver_request_duration_seconds_bucket{resource="secrets",verb="LIST",le="${chance.below(60)}"} ${chance.below(1e9)}\nauthentication_token_cache_active_fetch_count{status="${chance.of(['in_flight', 'blocked'])}"} ${chance.below(99)}\netcd_db_total_size_in_bytes{endpoint="https://10.0.0.${chance.below(255)}:2379"} ${chance.below(1e9)}\n`,
  'programs and their help': (chance) =>
    `      --token string                   Bearer token for authentication to the API server (env TOKEN)\n      --password string                Password for basic authentication\n      --client-key string              Path to a client key file for TLS\n      --secret-name=${chance.podName}\n	token := strings.TrimPrefix(header, "Bearer ")\n	cfg.Password = os.Getenv("DB_PASSWORD")\n	secretKey = deriveKey(secret, salt_${chance.below(99)})\n	if apiKey == "" { return errors.New("apiKey is required") }\n`,
  events: (chance) =>
    `${chance.below(59)}m         Warning   FailedMount         pod/${chance.podName}      MountVolume.SetUp failed for volume "token": secret "${chance.podName}" not found\n${chance.below(59)}m         Normal    Pulled              pod/${chance.podName}      Container image "registry.example.com/${chance.of(APPS)}:v1.${chance.below(99)}@sha256:${chance.hex(64)}" already present\n`,
}

function podYaml(chance: Chance): string {
  const name = chance.podName
  return `- apiVersion: v1
  kind: Pod
  metadata:
    annotations:
      cni.projectcalico.org/containerID: ${chance.hex(64)}
      checksum/secret: ${chance.hex(64)}
    creationTimestamp: "${chance.time}Z"
    generateName: ${name.slice(0, -5)}
    labels: {app: ${chance.of(APPS)}, pod-template-hash: ${chance.hex(10)}}
    name: ${name}
    namespace: ${chance.of(NAMESPACES)}
    ownerReferences:
    - {apiVersion: apps/v1, controller: true, kind: ReplicaSet, name: ${name.slice(0, -6)}, uid: ${chance.uid}}
    resourceVersion: "${chance.below(1e9)}"
    uid: ${chance.uid}
  spec:
    containers:
    - env:
      - name: DB_PASSWORD
        valueFrom:
          secretKeyRef:
            key: password
            name: ${chance.podName}
      - name: TOKEN_FILE
        value: /var/run/secrets/eks.amazonaws.com/serviceaccount/token
      - name: AWS_ROLE_ARN
        value: arn:aws:iam::123456789012:role/${name}
      - name: SECRET_NAME
        value: ${chance.podName}
      - name: API_TOKEN
        value: ""
      image: registry.example.com/${chance.of(APPS)}@sha256:${chance.hex(64)}
      volumeMounts:
      - mountPath: /var/run/secrets/kubernetes.io/serviceaccount
        name: kube-api-access-${chance.hex(5)}
        readOnly: true
    imagePullSecrets:
    - name: registry-credentials
    volumes:
    - name: kube-api-access-${chance.hex(5)}
      projected:
        sources:
        - serviceAccountToken: {expirationSeconds: 3607, path: token}
    - name: tls
      secret: {secretName: ${chance.podName}}
  status:
    containerStatuses:
    - containerID: containerd://${chance.hex(64)}
      imageID: registry.example.com/${chance.of(APPS)}@sha256:${chance.hex(64)}
      lastState: {}
`
}

function deployment(chance: Chance): unknown {
  const name = chance.of(APPS)
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: {
      name,
      namespace: chance.of(NAMESPACES),
      uid: chance.uid,
      resourceVersion: String(chance.below(1e9)),
      annotations: { 'deployment.kubernetes.io/revision': '3', 'checksum/config': chance.hex(64) },
      managedFields: [
        {
          manager: 'kubectl',
          operation: 'Apply',
          fieldsV1: {
            'f:spec': {
              'f:template': {
                'f:spec': { 'f:containers': { 'k:{"name":"web"}': { 'f:env': { 'k:{"name":"DB_PASSWORD"}': {} } } } },
              },
            },
          },
        },
      ],
    },
    spec: {
      template: {
        spec: {
          containers: [
            {
              name: 'web',
              image: `registry.example.com/${name}:1.${chance.below(99)}@sha256:${chance.hex(64)}`,
              args: [
                '--token-file=/var/run/token',
                '--password-file',
                '/etc/secret/password',
                `--secret-name=${chance.podName}`,
              ],
              env: [
                { name: 'DB_PASSWORD', valueFrom: { secretKeyRef: { name: chance.podName, key: 'password' } } },
                { name: 'SECRET_KEY', valueFrom: { secretKeyRef: { name: 'django', key: 'secret-key' } } },
                { name: 'TOKEN_URL', value: 'https://auth.example.com/oauth2/token' },
              ],
            },
          ],
        },
      },
    },
  }
}

function configMap(chance: Chance): unknown {
  const ini = `[database]\nhost = db.prod.svc\nport = 5432\npassword = \${DB_PASSWORD}\n[auth]\ntoken_ttl = 3600\nsecret_file = /etc/secret\n`
  return {
    kind: 'ConfigMap',
    metadata: { name: 'config', uid: chance.uid },
    data: {
      'config.ini': ini,
      'ca.crt': chance.certificate(),
      'jwks.json': JSON.stringify({
        keys: [
          {
            kty: 'RSA',
            kid: chance.hex(40),
            n: chance.base64(300).replaceAll('+', '-').replaceAll('/', '_'),
            e: 'AQAB',
          },
        ],
      }),
    },
    binaryData: { 'logo.png': chance.base64(340) },
  }
}

function describePod(chance: Chance): string {
  return `Name:             ${chance.podName}
Namespace:        ${chance.of(NAMESPACES)}
Service Account:  ${chance.of(APPS)}
Annotations:      checksum/secret: ${chance.hex(64)}
Containers:
  web:
    Container ID:   containerd://${chance.hex(64)}
    Image ID:       registry.example.com/web@sha256:${chance.hex(64)}
    Environment:
      DB_PASSWORD:     <set to the key 'password' in secret '${chance.podName}'>  Optional: false
      API_TOKEN:       <set to the key 'token' in secret 'api'>  Optional: false
      SECRET_NAME:     ${chance.podName}
      TOKEN_TTL:       3600
    Mounts:
      /var/run/secrets/kubernetes.io/serviceaccount from kube-api-access-${chance.hex(5)} (ro)
Volumes:
  kube-api-access-${chance.hex(5)}:
    Type:                    Projected (a volume that contains injected data from multiple sources)
    TokenExpirationSeconds:  3607
  tls:
    Type:        Secret (a volume populated by a Secret)
    SecretName:  ${chance.podName}
Tokens:              ${chance.of(APPS)}-token-${chance.hex(5)}
Mountable secrets:   ${chance.podName}
`
}
