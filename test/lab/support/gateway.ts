// A gateway for the lab suite: `sallyport serve` as a process of its own in front of a lab, with the development issuer,
// and kubeconfigs for its users.

import { spawn } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { type Issuer, startIssuer } from '../../../demo/issuer.ts'
import { ownIdentity } from '../../../gateway/pki.ts'
import { exited, type Lab, readyLine } from './lab.ts'

export interface GatewayOptions {
  /** In place of the suite's own policy. */
  readonly policy?: object
  /** More of the configuration. */
  readonly config?: object
}

export interface Gateway {
  readonly address: string
  /** The admin API's. */
  readonly admin: string
  /** The file of the CA that its certificate is by. */
  readonly ca: string
  readonly data: string
  readonly issuer: Issuer
  /** What it wrote to stderr: JSON lines. */
  log(): string
  /** A kubeconfig file for a user with these groups (without prefix). */
  kubeconfig(user: string, groups: readonly string[], claims?: { act?: string; seconds?: number }): Promise<string>
  /** A file with a user's token. */
  tokenFile(user: string, groups: readonly string[], claims?: { act?: string; seconds?: number }): Promise<string>
  /** Puts another policy in place of the present one; the gateway takes it over by itself. */
  writePolicy(policy: object): void
  /** Ends the process as a crash would (SIGKILL), and starts it anew with the same data at the same addresses. */
  crash(): Promise<void>
  /** SIGTERM, and the exit code. The data stays until `remove`. */
  stop(): Promise<number | null>
  remove(): void
}

const BIN = fileURLToPath(new URL('../../../bin/sallyport.js', import.meta.url))

const TOKEN_SECONDS = 7_200

const POLICY = {
  apiVersion: 'sallyport/v1',
  kind: 'AccessPolicy',
  default: { reads: 'allow', writes: 'deny', streams: 'deny' },
  rules: [
    { name: 'admins', subjects: [{ group: 'oidc:admins' }], verbs: ['*'], effect: 'allow' },
    {
      name: 'admins-strict',
      subjects: [{ group: 'oidc:strict' }],
      verbs: ['*'],
      effect: 'allow',
      durability: 'strict',
    },
    {
      name: 'developers-shell',
      subjects: [{ group: 'oidc:developers' }],
      verbs: ['exec'],
      namespaces: ['default'],
      commands: [{ argv: ['echo', '...'] }],
      effect: 'allow',
    },
  ],
  budgets: [
    { name: 'frugal-deletes', subjects: [{ actor: 'frugal' }], deletions: 3 },
    { name: 'reading', subjects: [{ actor: 'reader' }], objectsReturned: 20 },
  ],
}

export async function startGateway(lab: Lab, options: GatewayOptions = {}): Promise<Gateway> {
  const folder = mkdtempSync(join(tmpdir(), 'sallyport-gateway-'))
  const pki = await ownIdentity(join(folder, 'pki'), [], Date.now())
  const issuer = await startIssuer({ cert: pki.cert, key: pki.key })
  const data = join(folder, 'data')
  const writePolicy = (policy: object): void => writeFileSync(join(folder, 'policy.yaml'), JSON.stringify(policy))
  const writeConfig = (listen: string, admin: string): void =>
    writeFileSync(
      join(folder, 'gateway.yaml'),
      JSON.stringify({
        apiVersion: 'sallyport/v1',
        kind: 'Gateway',
        listen: { address: listen },
        admin: { address: admin },
        data,
        clusters: [{ name: 'lab', kubeconfig: lab.gatewayKubeconfig, identity: 'impersonate' }],
        authentication: {
          jwt: [
            {
              issuer: { url: issuer.url, audiences: ['sallyport'], certificateAuthorityFile: pki.caPath },
              claimMappings: {
                username: { claim: 'sub', prefix: 'oidc:' },
                groups: { claim: 'groups', prefix: 'oidc:' },
              },
            },
          ],
        },
        policyFile: 'policy.yaml',
        masking: { exempt: [{ group: 'oidc:unmasked' }] },
        ...options.config,
      }),
    )
  writePolicy(options.policy ?? POLICY)
  writeConfig('127.0.0.1:0', '127.0.0.1:0')
  let log = ''
  const start = async () => {
    const child = spawn(process.execPath, [BIN, 'serve', '--config', join(folder, 'gateway.yaml')], {
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    child.stderr.on('data', (chunk: Buffer) => {
      log += chunk.toString()
    })
    const line = await readyLine(child, 'the gateway').catch(async (error: unknown) => {
      await issuer.close()
      throw new Error(`${String(error)}\n${log}`)
    })
    return { child, ready: JSON.parse(line) as { address: string; admin: string; ca: string } }
  }
  let { child, ready } = await start()
  let files = 0
  const token = (user: string, groups: readonly string[], claims: { act?: string; seconds?: number }) => {
    const expiresAt = Math.floor(Date.now() / 1000) + (claims.seconds ?? TOKEN_SECONDS)
    const actor = claims.act === undefined ? {} : { actor: claims.act }
    return issuer.token({ subject: user, groups, audience: 'sallyport', expiresAt, ...actor })
  }
  return {
    address: ready.address,
    admin: ready.admin,
    ca: ready.ca,
    data,
    issuer,
    log: () => log,
    writePolicy,
    async kubeconfig(user, groups, claims = {}) {
      const file = join(folder, `user-${++files}.kubeconfig`)
      writeFileSync(
        file,
        JSON.stringify({
          apiVersion: 'v1',
          kind: 'Config',
          'current-context': 'lab',
          contexts: [{ name: 'lab', context: { cluster: 'lab', user } }],
          clusters: [{ name: 'lab', cluster: { server: ready.address, 'certificate-authority': ready.ca } }],
          users: [{ name: user, user: { token: await token(user, groups, claims) } }],
        }),
      )
      return file
    },
    async tokenFile(user, groups, claims = {}) {
      const file = join(folder, `user-${++files}.token`)
      writeFileSync(file, await token(user, groups, claims), { mode: 0o600 })
      return file
    },
    async crash() {
      child.kill('SIGKILL')
      await exited(child)
      writeConfig(new URL(ready.address).host, new URL(ready.admin).host)
      ;({ child, ready } = await start())
    },
    async stop() {
      child.kill('SIGTERM')
      const code = await exited(child)
      await issuer.close()
      return code
    },
    remove: () => rmSync(folder, { recursive: true, force: true }),
  }
}
