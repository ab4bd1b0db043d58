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

export interface Gateway {
  readonly address: string
  /** The file of the CA that its certificate is by. */
  readonly ca: string
  readonly data: string
  readonly issuer: Issuer
  /** What it wrote to stderr: JSON lines. */
  log(): string
  /** A kubeconfig file for a user with these groups (without prefix). */
  kubeconfig(user: string, groups: readonly string[], claims?: { act?: string; seconds?: number }): Promise<string>
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
}

export async function startGateway(lab: Lab): Promise<Gateway> {
  const folder = mkdtempSync(join(tmpdir(), 'sallyport-gateway-'))
  const pki = await ownIdentity(join(folder, 'pki'), [], Date.now())
  const issuer = await startIssuer({ cert: pki.cert, key: pki.key })
  const data = join(folder, 'data')
  writeFileSync(join(folder, 'policy.yaml'), JSON.stringify(POLICY))
  writeFileSync(
    join(folder, 'gateway.yaml'),
    JSON.stringify({
      apiVersion: 'sallyport/v1',
      kind: 'Gateway',
      listen: { address: '127.0.0.1:0' },
      admin: { address: '127.0.0.1:0' },
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
    }),
  )
  const child = spawn(process.execPath, [BIN, 'serve', '--config', join(folder, 'gateway.yaml')], {
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let log = ''
  child.stderr.on('data', (chunk: Buffer) => {
    log += chunk.toString()
  })
  const ready = JSON.parse(
    await readyLine(child, 'the gateway').catch(async (error: unknown) => {
      await issuer.close()
      throw new Error(`${String(error)}\n${log}`)
    }),
  ) as { address: string; ca: string }
  let users = 0
  return {
    address: ready.address,
    ca: ready.ca,
    data,
    issuer,
    log: () => log,
    async kubeconfig(user, groups, claims = {}) {
      const file = join(folder, `user-${++users}.kubeconfig`)
      const expiresAt = Math.floor(Date.now() / 1000) + (claims.seconds ?? TOKEN_SECONDS)
      const actor = claims.act === undefined ? {} : { actor: claims.act }
      const token = await issuer.token({ subject: user, groups, audience: 'sallyport', expiresAt, ...actor })
      writeFileSync(
        file,
        JSON.stringify({
          apiVersion: 'v1',
          kind: 'Config',
          'current-context': 'lab',
          contexts: [{ name: 'lab', context: { cluster: 'lab', user } }],
          clusters: [{ name: 'lab', cluster: { server: ready.address, 'certificate-authority': ready.ca } }],
          users: [{ name: user, user: { token } }],
        }),
      )
      return file
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
