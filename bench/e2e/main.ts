// The end-to-end benchmark: the gateway, a raw TLS relay (the floor) and Go's ReverseProxy, interleaved in one run in
// front of the same stand-in cluster, with figures as ratios to the floor. `--quick` takes under 90 seconds, `--json`
// prints the samples, `--only TEXT` picks scenarios by name.

import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { cpus, tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { startIssuer } from '../../demo/issuer.ts'
import { ownIdentity } from '../../gateway/pki.ts'
import { start } from './process.ts'
import { type Contender, type Sample, scenarios } from './scenarios.ts'
import { table } from './table.ts'

const quick = process.argv.includes('--quick')
const json = process.argv.includes('--json')
const onlyAt = process.argv.indexOf('--only')
const only = onlyAt < 0 ? '' : (process.argv[onlyAt + 1] ?? '')
/** Times that each scenario is run for each proxy; the median counts. */
const ROUNDS = quick ? 1 : 3
const EFFORT = quick ? 1 : 3
const TOKEN_SECONDS = 7_200

const here = (path: string): string => fileURLToPath(new URL(path, import.meta.url))

async function main(): Promise<number> {
  const folder = mkdtempSync(join(tmpdir(), 'sallyport-bench-'))
  const stops: (() => Promise<unknown> | unknown)[] = [() => rmSync(folder, { recursive: true, force: true })]
  try {
    const proxies = await startProxies(folder, stops)
    const samples = new Map<string, Map<string, Sample[]>>()
    for (const scenario of scenarios) {
      if (!scenario.name.includes(only)) continue
      const byProxy = new Map<string, Sample[]>(proxies.map((proxy) => [proxy.name, []]))
      samples.set(scenario.name, byProxy)
      // A short warm-up, then the proxies in turn, so that a slow minute of the machine meets all of them.
      for (let round = quick ? 0 : -1; round < ROUNDS; round++) {
        for (const proxy of proxies) {
          const sample = await scenario.run(proxy, EFFORT)
          if (round >= 0) byProxy.get(proxy.name)?.push(sample)
          process.stderr.write('.')
        }
      }
    }
    process.stderr.write('\n')
    if (json)
      process.stdout.write(`${JSON.stringify([...samples].map(([name, by]) => [name, Object.fromEntries(by)]))}\n`)
    else process.stdout.write(`${heading()}\n${table(scenarios, proxies, samples)}\n`)
    return 0
  } finally {
    for (const stop of stops.reverse()) await stop()
  }
}

function heading(): string {
  const cpu = cpus()
  return `node ${process.version}, ${cpu.length} x ${cpu[0]?.model ?? 'unknown CPU'}, group durability, ${quick ? 'quick' : 'full'} run\n`
}

async function startProxies(folder: string, stops: (() => unknown)[]): Promise<Contender[]> {
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
  const token = await issuer.token({ subject: 'bench', groups: ['bench'], audience: 'sallyport', expiresAt })

  const floor = await start(process.execPath, [here('./floor.js'), keyFile, certFile, caPath, clusterPort])
  stops.push(floor.stop)
  const gateway = await start(process.execPath, [
    here('../../../bin/sallyport.js'),
    'serve',
    '--config',
    writeConfig(folder, { keyFile, certFile, caPath, clusterPort, issuer: issuer.url }),
  ])
  stops.push(gateway.stop)
  const proxies: Contender[] = [
    { name: 'floor', process: floor, target: { port: Number(floor.ready.port), ca, token } },
    {
      name: 'sallyport',
      process: gateway,
      target: { port: Number(new URL(String(gateway.ready.address)).port), ca, token },
    },
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
      // Thousands of idle connections from one address, none of which has said who it is.
      limits: { gateway: { unidentified: 10_000, addressConnections: 10_000, addressUnidentified: 10_000 } },
    }),
  )
  return config
}

process.exitCode = await main()
