// A gateway in this process, in front of a small cluster made of node:https, with the development issuer: for tests of
// what a caller, the cluster and the tape see of one request.

import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import type { IncomingHttpHeaders, IncomingMessage, RequestListener } from 'node:http'
import { createServer, request, type Server } from 'node:https'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Duplex } from 'node:stream'
import pino from 'pino'
import { type Issuer, startIssuer, type TokenOptions } from '../../demo/issuer.ts'
import { readConfig } from '../../gateway/config.ts'
import { type RunningGateway, startGateway } from '../../gateway/gateway.ts'
import { ownIdentity, type ServerIdentity } from '../../gateway/pki.ts'

export interface Answer {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  readonly body: string
}

export interface Call {
  readonly method?: string
  readonly path?: string
  readonly token?: string | undefined
  readonly headers?: Record<string, string>
  readonly body?: string
}

/** Everything of one test file; `close` ends it. */
export class GatewayFixture {
  readonly folder: string
  readonly pki: ServerIdentity
  readonly issuer: Issuer
  readonly cluster: Server
  gateway: RunningGateway
  readonly config: string

  private constructor(
    parts: Omit<GatewayFixture, 'close' | 'restart' | 'token' | 'call' | 'data' | 'open' | 'remove'>,
  ) {
    this.folder = parts.folder
    this.pki = parts.pki
    this.issuer = parts.issuer
    this.cluster = parts.cluster
    this.gateway = parts.gateway
    this.config = parts.config
  }

  /** `serve` and `upgrade` are the cluster. `change` edits the configuration before the gateway reads it. */
  static async open(
    serve: RequestListener,
    upgrade: (request: IncomingMessage, socket: Duplex, head: Buffer) => void = (_, socket) => socket.destroy(),
    change: (config: Record<string, unknown>, fixture: { folder: string }) => void = () => undefined,
  ): Promise<GatewayFixture> {
    const folder = mkdtempSync(join(tmpdir(), 'sallyport-test-'))
    const pki = await ownIdentity(join(folder, 'pki'), [], Date.now())
    const issuer = await startIssuer({ cert: pki.cert, key: pki.key })
    const cluster = createServer({ key: pki.key, cert: pki.cert }, serve)
    cluster.on('upgrade', upgrade)
    cluster.listen(0, '127.0.0.1')
    await once(cluster, 'listening')
    const port = (cluster.address() as AddressInfo).port
    writeKubeconfig(join(folder, 'kubeconfig'), `https://127.0.0.1:${port}`, pki.caPath as string)
    const config = join(folder, 'gateway.yaml')
    const document = configuration(folder, issuer.url, pki.caPath as string)
    change(document, { folder })
    writeFileSync(config, JSON.stringify(document))
    writeFileSync(join(folder, 'policy.yaml'), JSON.stringify(POLICY))
    const gateway = await startGateway(readConfig(config), pino({ level: 'silent' }))
    return new GatewayFixture({ folder, pki, issuer, cluster, gateway, config })
  }

  get data(): string {
    return join(this.folder, 'data')
  }

  token(options: Partial<TokenOptions> = {}): Promise<string> {
    const expiresAt = Math.floor(Date.now() / 1000) + 3_600
    return this.issuer.token({ subject: 'alice', groups: ['admins'], audience: 'sallyport', expiresAt, ...options })
  }

  /** One request on a connection of its own. */
  async call({ method = 'GET', path = '/api/v1/pods', token, headers = {}, body }: Call): Promise<Answer> {
    const outgoing = this.open({ method, path, token, headers })
    outgoing.end(body)
    const [response] = (await once(outgoing, 'response')) as [IncomingMessage]
    let text = ''
    for await (const chunk of response) text += (chunk as Buffer).toString()
    return { status: response.statusCode ?? 0, headers: response.headers, body: text }
  }

  /** The same, left to the caller from here. */
  open({ method = 'GET', path = '/api/v1/pods', token, headers = {} }: Call) {
    const authorization: Record<string, string> = token === undefined ? {} : { Authorization: `Bearer ${token}` }
    const { hostname, port } = new URL(this.gateway.address)
    // Host and path apart: a URL would be cleaned of the very things that are to be refused.
    return request({
      hostname,
      port,
      path,
      method,
      ca: readFileSync(this.gateway.ca),
      agent: false,
      headers: { ...authorization, ...headers },
    })
  }

  /** Drains the gateway and starts another one over the same data. */
  async restart(): Promise<this> {
    await this.gateway.close()
    this.gateway = await startGateway(readConfig(this.config), pino({ level: 'silent' }))
    return this
  }

  /** Ends all of it but the data, which `remove` takes away. */
  async close(): Promise<void> {
    await this.gateway.close()
    this.cluster.closeAllConnections()
    this.cluster.close()
    await this.issuer.close()
  }

  remove(): void {
    rmSync(this.folder, { recursive: true, force: true })
  }
}

const POLICY = {
  apiVersion: 'sallyport/v1',
  kind: 'AccessPolicy',
  rules: [
    { name: 'admins', subjects: [{ group: 'oidc:admins' }], verbs: ['*'], effect: 'allow' },
    { name: 'strict', subjects: [{ group: 'oidc:strict' }], verbs: ['*'], effect: 'allow', durability: 'strict' },
  ],
}

function configuration(folder: string, issuer: string, ca: string): Record<string, unknown> {
  return {
    apiVersion: 'sallyport/v1',
    kind: 'Gateway',
    listen: { address: '127.0.0.1:0' },
    admin: { address: '127.0.0.1:0' },
    data: join(folder, 'data'),
    clusters: [{ name: 'test', kubeconfig: join(folder, 'kubeconfig') }],
    authentication: {
      jwt: [
        {
          issuer: { url: issuer, audiences: ['sallyport'], certificateAuthorityFile: ca },
          claimMappings: {
            username: { claim: 'sub', prefix: 'oidc:' },
            groups: { claim: 'groups', prefix: 'oidc:' },
          },
        },
      ],
    },
    policyFile: join(folder, 'policy.yaml'),
  }
}

export function writeKubeconfig(file: string, server: string, ca: string): void {
  const document = {
    apiVersion: 'v1',
    kind: 'Config',
    'current-context': 'test',
    contexts: [{ name: 'test', context: { cluster: 'test', user: 'gateway' } }],
    clusters: [{ name: 'test', cluster: { server, 'certificate-authority': ca } }],
    users: [{ name: 'gateway', user: { token: 'the-gateways-own-token' } }],
  }
  writeFileSync(file, JSON.stringify(document))
}
