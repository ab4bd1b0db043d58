// Starts what is measured: the gateway, the floor and Go's ReverseProxy, each a process of its own, in front of the same
// stand-in cluster, with one token for all of them.

import { execFileSync } from 'node:child_process'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { startIssuer } from '../../demo/issuer.ts'
import { ownIdentity } from '../../gateway/pki.ts'
import { DETECTORS } from '../../protocols/detect/detectors.ts'
import { start } from './process.ts'
import { type Contender, UNMASKED } from './scenarios.ts'

const TOKEN_SECONDS = 7_200

const here = (path: string): string => fileURLToPath(new URL(path, import.meta.url))

type Masking = Readonly<Record<string, unknown>>

/** The gateway and what it needs around it. */
export interface Stage {
  readonly gateway: Contender
  readonly keyFile: string
  readonly certFile: string
  readonly caPath: string
  readonly clusterPort: string
  /** Starts another gateway of the same configuration but for its masking. */
  another(name: string, masking: Masking): Promise<Contender>
  /** A token of somebody who may do anything. */
  token(subject: string): Promise<string>
}

/** `folder` takes keys, configuration and tapes; what is to be stopped at the end is added to `stops`. */
export async function startStage(folder: string, stops: (() => unknown)[]): Promise<Stage> {
  const pki = await ownIdentity(join(folder, 'pki'), [], Date.now())
  const caPath = pki.caPath as string
  const keyFile = join(folder, 'tls.key')
  const certFile = join(folder, 'tls.crt')
  writeFileSync(keyFile, pki.key, { mode: 0o600 })
  writeFileSync(certFile, pki.cert)
  const ca = readFileSync(caPath)

  const cluster = await start(process.execPath, [here('./cluster.js'), keyFile, certFile])
  stops.push(cluster.stop)
  const clusterPort = String(cluster.ready.port)
  const issuer = await startIssuer({ cert: pki.cert, key: pki.key })
  stops.push(() => issuer.close())
  const expiresAt = Math.floor(Date.now() / 1000) + TOKEN_SECONDS
  const token = (subject: string): Promise<string> =>
    issuer.token({ subject, groups: ['bench'], audience: 'sallyport', expiresAt })
  const another = async (name: string, masking: Masking): Promise<Contender> => {
    const own = join(folder, name)
    mkdirSync(own)
    const parts = { keyFile, certFile, caPath, clusterPort, issuer: issuer.url, masking }
    const config = writeConfig(own, parts)
    const gateway = await start(process.execPath, [here('../../../bin/sallyport.js'), 'serve', '--config', config])
    stops.push(gateway.stop)
    const port = Number(new URL(String(gateway.ready.address)).port)
    return { name, process: gateway, target: { port, ca, token: await token('bench') } }
  }
  const gateway = await another('sallyport', {})
  return { keyFile, certFile, caPath, clusterPort, token, another, gateway }
}

/** The same, with the floor and the peer beside it. */
export async function startProxies(folder: string, stops: (() => unknown)[]): Promise<Contender[]> {
  const { gateway, another, keyFile, certFile, caPath, clusterPort } = await startStage(folder, stops)
  const { ca, token } = gateway.target
  const floor = await start(process.execPath, [here('./floor.js'), keyFile, certFile, caPath, clusterPort])
  stops.push(floor.stop)
  const proxies: Contender[] = [
    { name: 'floor', process: floor, target: { port: Number(floor.ready.port), ca, token } },
    gateway,
    await another(UNMASKED, { learn: false, detectors: { disabled: [...DETECTORS.keys()] } }),
  ]
  const peer = buildPeer(folder)
  if (peer !== undefined) {
    const reverse = await start(peer, [keyFile, certFile, caPath, clusterPort])
    stops.push(reverse.stop)
    proxies.push({ name: 'go', process: reverse, target: { port: Number(reverse.ready.port), ca, token } })
  }
  return proxies
}

function buildPeer(folder: string): string | undefined {
  const binary = join(folder, 'reverseproxy')
  try {
    const sources = here('../../../bench/peers/reverseproxy')
    execFileSync('go', ['build', '-o', binary, '.'], { cwd: sources, stdio: ['ignore', 'ignore', 'pipe'] })
    return binary
  } catch (error) {
    const why = (error as NodeJS.ErrnoException).code === 'ENOENT' ? 'Go is not on the PATH' : 'its build failed'
    process.stderr.write(`the Go ReverseProxy is left out: ${why}\n`)
    return undefined
  }
}

interface Parts {
  readonly keyFile: string
  readonly certFile: string
  readonly caPath: string
  readonly clusterPort: string
  readonly issuer: string
  readonly masking: Masking
}

function writeConfig(folder: string, parts: Parts): string {
  const kubeconfig = join(folder, 'kubeconfig.yaml')
  writeFileSync(
    kubeconfig,
    JSON.stringify({
      apiVersion: 'v1',
      kind: 'Config',
      'current-context': 'bench',
      contexts: [{ name: 'bench', context: { cluster: 'bench', user: 'gateway' } }],
      clusters: [
        {
          name: 'bench',
          cluster: {
            server: `https://127.0.0.1:${parts.clusterPort}`,
            'certificate-authority': parts.caPath,
            'tls-server-name': 'localhost',
          },
        },
      ],
      users: [{ name: 'gateway', user: { token: 'bench-gateway-token' } }],
    }),
  )
  const policy = join(folder, 'policy.yaml')
  writeFileSync(
    policy,
    JSON.stringify({
      apiVersion: 'sallyport/v1',
      kind: 'AccessPolicy',
      rules: [{ name: 'bench', subjects: [{ group: 'oidc:bench' }], verbs: ['*'], effect: 'allow' }],
    }),
  )
  const config = join(folder, 'gateway.yaml')
  writeFileSync(
    config,
    JSON.stringify({
      apiVersion: 'sallyport/v1',
      kind: 'Gateway',
      listen: { address: '127.0.0.1:0', tls: { certFile: parts.certFile, keyFile: parts.keyFile } },
      admin: { address: '127.0.0.1:0' },
      data: join(folder, 'data'),
      clusters: [{ name: 'bench', kubeconfig, identity: 'impersonate' }],
      authentication: {
        jwt: [
          {
            issuer: {
              url: parts.issuer,
              audiences: ['sallyport'],
              certificateAuthorityFile: parts.caPath,
            },
            claimMappings: {
              username: { claim: 'sub', prefix: 'oidc:' },
              groups: { claim: 'groups', prefix: 'oidc:' },
            },
          },
        ],
      },
      policyFile: policy,
      masking: parts.masking,
      // Thousands of idle connections from one address, none of which has said who it is.
      limits: { gateway: { unidentified: 10_000, addressConnections: 10_000, addressUnidentified: 10_000 } },
    }),
  )
  return config
}
