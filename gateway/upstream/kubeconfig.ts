// Reads a kubeconfig into where the cluster is, what it is known by, and how the gateway shows itself to it. Refuses what
// would send a credential to somebody unverified or act for somebody unnamed, and says what to change in the file.

import { createPrivateKey, X509Certificate } from 'node:crypto'
import { readFileSync, statSync } from 'node:fs'
import { dirname, isAbsolute, resolve } from 'node:path'
import { LineCounter, parseDocument } from 'yaml'
import { z } from 'zod'
import { limits } from '../../protocols/limits.ts'

/** Where a cluster's API server is, and what its certificate must say. */
export interface ClusterAddress {
  /** A name or an IP address, without brackets. */
  readonly host: string
  readonly port: number
  /** The Host field: host and port as in the kubeconfig. */
  readonly authority: string
  /** Comes before every request's path: "" or "/k8s/clusters/c-1", without a slash at the end. */
  readonly basePath: string
  /** The name or IP address that the certificate must be valid for. */
  readonly serverName: string
  /** PEM; the only authorities trusted. Undefined: the system's. */
  readonly ca: string | undefined
}

/** PEM, checked to belong together. */
export interface ClientCertificate {
  readonly certificate: string
  readonly key: string
}

/** A command that prints an ExecCredential (client.authentication.k8s.io). */
export interface ExecCommand {
  readonly apiVersion: 'client.authentication.k8s.io/v1' | 'client.authentication.k8s.io/v1beta1'
  /** A path, or a name to be found on the PATH. */
  readonly command: string
  readonly args: readonly string[]
  readonly env: Readonly<Record<string, string>>
  /** For ExecCredential.spec.cluster, where the kubeconfig asks for it with provideClusterInfo. */
  readonly cluster: Readonly<Record<string, unknown>> | undefined
}

/** How the gateway shows itself: one bearer source or a certificate, or a certificate besides a token. */
export interface ClusterUser {
  readonly token: string | undefined
  /** Absolute. Wins over `token`, as in client-go. */
  readonly tokenFile: string | undefined
  readonly certificate: ClientCertificate | undefined
  readonly exec: ExecCommand | undefined
}

export interface Kubeconfig {
  readonly address: ClusterAddress
  readonly user: ClusterUser
}

/** The kubeconfig cannot be used; the message names the file and the entry and says what to change. Holds no secret. */
export class KubeconfigError extends Error {}

const text = z.string().min(1)
/** Entries that are not used may be anything: a kubeconfig is shared with other programs. */
const entries = z.array(z.looseObject({ name: z.string() })).nullish()
const extension = z.looseObject({ name: z.string(), extension: z.unknown() })

const clusterSchema = z.looseObject({
  server: text,
  'certificate-authority': text.optional(),
  'certificate-authority-data': text.optional(),
  'tls-server-name': text.optional(),
  'insecure-skip-tls-verify': z.boolean().optional(),
  'proxy-url': z.string().optional(),
  extensions: z.array(extension).nullish(),
})

const execSchema = z.looseObject({
  apiVersion: z.enum(['client.authentication.k8s.io/v1', 'client.authentication.k8s.io/v1beta1']),
  command: text,
  args: z.array(z.string()).nullish(),
  env: z.array(z.object({ name: text, value: z.string() })).nullish(),
  provideClusterInfo: z.boolean().nullish(),
  interactiveMode: z.enum(['Never', 'IfAvailable', 'Always']).nullish(),
})

const userSchema = z.looseObject({
  token: text.optional(),
  tokenFile: text.optional(),
  'client-certificate': text.optional(),
  'client-certificate-data': text.optional(),
  'client-key': text.optional(),
  'client-key-data': text.optional(),
  exec: execSchema.nullish(),
})

const contextSchema = z.looseObject({ cluster: text, user: text })

const fileSchema = z.looseObject({
  'current-context': z.string().nullish(),
  contexts: entries,
  clusters: entries,
  users: entries,
})

/** Fields of a user that the gateway does not act on, and what to do instead. */
const REFUSED_USER_FIELDS: Readonly<Record<string, string>> = {
  username: 'Kubernetes has no passwords any more; use a token, a client certificate or exec',
  password: 'Kubernetes has no passwords any more; use a token, a client certificate or exec',
  'auth-provider': 'auth-provider was removed from Kubernetes in 1.26; use exec',
  as: 'the gateway says itself for whom each request is; remove it',
  'as-uid': 'the gateway says itself for whom each request is; remove it',
  'as-groups': 'the gateway says itself for whom each request is; remove it',
  'as-user-extra': 'the gateway says itself for whom each request is; remove it',
}

/** Reads the named context of a kubeconfig, or its current one. Paths in it are relative to it. Throws KubeconfigError. */
export function readKubeconfig(path: string, context?: string): Kubeconfig {
  return new Reader(resolve(path)).read(context)
}

class Reader {
  readonly #path: string
  readonly #directory: string

  constructor(path: string) {
    this.#path = path
    this.#directory = dirname(path)
  }

  read(wanted: string | undefined): Kubeconfig {
    const file = this.#parse()
    const name = wanted ?? file['current-context'] ?? ''
    if (name === '') throw this.#error('it has no current-context; set one, or name a context in the configuration')
    const context = this.#entry(file.contexts, 'context', name, contextSchema)
    const cluster = this.#entry(file.clusters, 'cluster', context.cluster, clusterSchema)
    const user = this.#entry(file.users, 'user', context.user, userSchema)
    const address = this.#address(context.cluster, cluster)
    return { address, user: this.#user(context.user, user, cluster, address) }
  }

  #parse(): z.infer<typeof fileSchema> {
    const lineCounter = new LineCounter()
    // Not `prettyErrors`: those quote the file, and a kubeconfig holds tokens.
    const document = parseDocument(this.#file(this.#path), { prettyErrors: false, lineCounter })
    const fault = document.errors[0]
    if (fault !== undefined) {
      throw this.#error(`line ${lineCounter.linePos(fault.pos[0]).line} is not valid YAML (${fault.code})`)
    }
    let content: unknown
    try {
      content = document.toJS({ maxAliasCount: 100 })
    } catch {
      throw this.#error('its YAML aliases do not resolve, or are far too many')
    }
    return this.#check('the file', fileSchema, content)
  }

  #entry<T>(list: z.infer<typeof entries>, kind: string, name: string, schema: z.ZodType<T>): T {
    const found = list?.find((entry) => entry.name === name)
    if (found === undefined) throw this.#error(`it has no ${kind} named "${name}"`)
    return this.#check(`${kind} "${name}"`, schema, found[kind])
  }

  #check<T>(at: string, schema: z.ZodType<T>, value: unknown): T {
    const parsed = schema.safeParse(value)
    if (parsed.success) return parsed.data
    const issues = parsed.error.issues.map(({ path, message }) => [...path, message].join(': '))
    throw this.#error(`${at}: ${issues.join('; ')}`)
  }

  #address(name: string, cluster: z.infer<typeof clusterSchema>): ClusterAddress {
    const at = `cluster "${name}"`
    if (cluster['insecure-skip-tls-verify'] === true) {
      throw this.#error(
        `${at}: insecure-skip-tls-verify would hand the gateway's credentials to anyone; remove it and give certificate-authority-data`,
      )
    }
    if ((cluster['proxy-url'] ?? '') !== '') throw this.#error(`${at}: proxy-url is not supported; remove it`)
    let url: URL
    try {
      url = new URL(cluster.server)
    } catch {
      throw this.#error(`${at}: server is not a URL; write https://HOST:PORT`)
    }
    if (url.protocol !== 'https:') throw this.#error(`${at}: server must start with https://`)
    if (url.username !== '' || url.password !== '' || url.search !== '' || url.hash !== '') {
      throw this.#error(`${at}: server may have a host, a port and a path, and nothing else`)
    }
    const host = url.hostname.startsWith('[') ? url.hostname.slice(1, -1) : url.hostname
    const ca = this.#pem(at, cluster, 'certificate-authority')
    if (ca !== undefined) this.#checkAuthority(at, ca)
    return {
      host,
      port: url.port === '' ? 443 : Number(url.port),
      authority: url.host,
      basePath: url.pathname.replace(/\/+$/, ''),
      serverName: cluster['tls-server-name'] ?? host,
      ca,
    }
  }

  #user(
    name: string,
    user: z.infer<typeof userSchema>,
    cluster: z.infer<typeof clusterSchema>,
    address: ClusterAddress,
  ): ClusterUser {
    const at = `user "${name}"`
    for (const [key, advice] of Object.entries(REFUSED_USER_FIELDS)) {
      if (user[key] !== undefined && user[key] !== null) throw this.#error(`${at}: ${key}: ${advice}`)
    }
    const certificate = this.#certificate(at, user)
    const exec = user.exec == null ? undefined : this.#exec(at, user.exec, cluster, address)
    if (exec !== undefined && (user.token ?? user.tokenFile ?? certificate) !== undefined) {
      throw this.#error(`${at}: exec stands beside another credential; keep one of them`)
    }
    if ((user.token ?? user.tokenFile ?? certificate ?? exec) === undefined) {
      throw this.#error(`${at} has no credential: give token, tokenFile, client-certificate and client-key, or exec`)
    }
    if (user.token !== undefined && !isToken(user.token)) {
      throw this.#error(`${at}: token has characters that no bearer token has`)
    }
    const tokenFile = user.tokenFile === undefined ? undefined : this.#resolve(user.tokenFile)
    return { token: user.token, tokenFile, certificate, exec }
  }

  #certificate(at: string, user: z.infer<typeof userSchema>): ClientCertificate | undefined {
    const certificate = this.#pem(at, user, 'client-certificate')
    const key = this.#pem(at, user, 'client-key')
    if (certificate === undefined && key === undefined) return undefined
    if (certificate === undefined || key === undefined) {
      throw this.#error(`${at}: client-certificate and client-key go together; one is missing`)
    }
    if (!belongTogether(certificate, key)) {
      throw this.#error(`${at}: client-certificate and client-key are not PEM, or not of the same key pair`)
    }
    return { certificate, key }
  }

  #exec(
    at: string,
    exec: z.infer<typeof execSchema>,
    cluster: z.infer<typeof clusterSchema>,
    address: ClusterAddress,
  ): ExecCommand {
    if (exec.interactiveMode === 'Always') {
      throw this.#error(`${at}: exec with interactiveMode Always needs a terminal, and the gateway has none`)
    }
    const extra = cluster.extensions?.find((entry) => entry.name === 'client.authentication.k8s.io/exec')
    const info: Record<string, unknown> = { server: cluster.server }
    if (cluster['tls-server-name'] !== undefined) info['tls-server-name'] = cluster['tls-server-name']
    if (address.ca !== undefined) info['certificate-authority-data'] = Buffer.from(address.ca).toString('base64')
    if (extra !== undefined) info.config = extra.extension
    return {
      apiVersion: exec.apiVersion,
      // client-go: a command with a slash is relative to the kubeconfig, a bare name is looked for on the PATH.
      command: exec.command.includes('/') ? this.#resolve(exec.command) : exec.command,
      args: exec.args ?? [],
      env: Object.fromEntries((exec.env ?? []).map(({ name, value }) => [name, value])),
      cluster: exec.provideClusterInfo === true ? info : undefined,
    }
  }

  /** The PEM of `key-data` (base64) or of the file that `key` names; the data wins, as in client-go. */
  #pem(at: string, entry: Readonly<Record<string, unknown>>, key: string): string | undefined {
    const data = entry[`${key}-data`]
    if (typeof data === 'string') {
      const pem = Buffer.from(data, 'base64').toString('latin1')
      if (!pem.includes('-----BEGIN ')) throw this.#error(`${at}: ${key}-data is not PEM in base64`)
      return pem
    }
    const path = entry[key]
    return typeof path === 'string' ? this.#file(this.#resolve(path)) : undefined
  }

  #checkAuthority(at: string, pem: string): void {
    try {
      new X509Certificate(pem)
    } catch {
      throw this.#error(`${at}: certificate-authority is not a PEM certificate`)
    }
  }

  #file(path: string): string {
    try {
      if (statSync(path).size > limits.gateway.kubeconfigBytes) throw new Error('it is larger than 1 MiB')
      return readFileSync(path, 'utf8')
    } catch (error) {
      throw this.#error(`${path} cannot be read: ${error instanceof Error ? error.message : 'unknown error'}`)
    }
  }

  #resolve(path: string): string {
    return isAbsolute(path) ? path : resolve(this.#directory, path)
  }

  #error(what: string): KubeconfigError {
    return new KubeconfigError(`kubeconfig ${this.#path}: ${what}`)
  }
}

/** Characters of RFC 6750's b64token and a few that issuers use besides; no white space, no control character. */
export function isToken(token: string): boolean {
  return token.length <= limits.gateway.token && /^[\x21-\x7e]+$/.test(token)
}

/** Whether a PEM certificate and a PEM private key are of the same key pair. False for what is not PEM. */
export function belongTogether(certificate: string, key: string): boolean {
  try {
    return new X509Certificate(certificate).checkPrivateKey(createPrivateKey(key))
  } catch {
    return false
  }
}
