// `sallyport demo`: a development issuer, a small cluster (or the user's own) and the gateway between them, all in this
// process; the tour; and then, unless it is to end, the same left running with a kubeconfig to use.

import { randomBytes } from 'node:crypto'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import pino from 'pino'
import { EXIT } from '../cli/exit-codes.ts'
import { processIo } from '../cli/io.ts'
import { readConfig } from '../gateway/config.ts'
import { type RunningGateway, startGateway } from '../gateway/gateway.ts'
import { ownIdentity } from '../gateway/pki.ts'
import type { Caller } from './call.ts'
import { ownCaller } from './client.ts'
import { startCluster } from './cluster/cluster.ts'
import { hasTerminals } from './cluster/process.ts'
import { seed } from './cluster/seed.ts'
import { writeGatewayFiles, writeKubeconfig } from './files.ts'
import { type Issuer, startIssuer } from './issuer.ts'
import { kubectlCaller } from './kubectl.ts'
import { DEMO_POLICY, OWN_CLUSTER_POLICY } from './policy.ts'
import { Terminal } from './terminal.ts'
import { tour } from './tour.ts'

export interface DemoOptions {
  /** Ends after the tour. */
  readonly once: boolean
  /** A cluster of the user's own, instead of the demo's. */
  readonly kubeconfig?: string
  /** Where the tapes are kept; a temporary directory that is removed at the end if absent. */
  readonly data?: string
  /** The gateway's port; a free one if absent. */
  readonly port?: number
}

const AUDIENCE = 'sallyport'
const TOKEN_HOURS = 8
const DEVELOPER = 'developer'
const AGENT = 'agent'
const INTENT = 'settle a refund that support has agreed to'

/** Resolves with the exit code once all is stopped: 0, 1 if something did not start or the tour did not hold, 130 if the tour was stopped. */
export async function demo(options: DemoOptions): Promise<number> {
  const io = processIo()
  const terminal = new Terminal({
    write: (text) => process.stdout.write(text),
    colours: io.colours,
    width: io.terminal?.columns,
  })
  const undo: (() => unknown)[] = []
  const stop = new AbortController()
  const interrupted = interruption(undo).then(() => stop.abort())
  try {
    const stage = await start(options, undo)
    introduce(terminal, stage, options)
    const isThere = !options.once && process.stdin.isTTY === true && process.stdout.isTTY === true
    const told = tour({
      ...stage,
      terminal,
      stopped: stop.signal,
      ownCluster: options.kubeconfig !== undefined,
      viewer: isThere ? enter : undefined,
    }).then(() => 'told')
    if ((await Promise.race([told, interrupted])) !== 'told') return EXIT.INTERRUPTED
    if (!options.once) {
      sayHowToGoOn(terminal, stage)
      await interrupted
    }
    return EXIT.OK
  } catch (error) {
    process.stderr.write(`\nsallyport demo: ${error instanceof Error ? error.message : String(error)}\n`)
    return EXIT.FAILURE
  } finally {
    for (const step of undo.reverse()) await step()
  }
}

/** All that runs. */
interface Stage {
  readonly gateway: RunningGateway
  readonly issuer: Issuer
  readonly clusterUrl: string | undefined
  readonly data: string
  readonly scratch: string
  readonly kubeconfig: string
  readonly call: Caller
  readonly ask: Caller
  /** The file with the approver's token. */
  readonly approver: string
  readonly client: string
}

async function start(options: DemoOptions, undo: (() => unknown)[]): Promise<Stage> {
  const scratch = mkdtempSync(join(tmpdir(), 'sallyport-demo-'))
  undo.push(() => rmSync(scratch, { recursive: true, force: true, maxRetries: 3 }))
  const data = options.data === undefined ? join(scratch, 'data') : resolve(options.data)
  // With the tapes that it explains, should they be kept.
  const folder = join(data, 'demo')
  mkdirSync(folder, { recursive: true, mode: 0o700 })
  const identity = await ownIdentity(join(folder, 'pki'), [], Date.now())
  const ca = identity.caPath ?? ''

  const issuer = await startIssuer(identity)
  undo.push(() => issuer.close())
  const cluster =
    options.kubeconfig === undefined ? await startDemoCluster(identity, ca, folder, scratch, undo) : undefined
  const config = await writeGatewayFiles({
    folder,
    data,
    port: options.port ?? 0,
    issuer: { url: issuer.url, ca },
    audience: AUDIENCE,
    policy: cluster === undefined ? OWN_CLUSTER_POLICY : DEMO_POLICY,
    // The user's own cluster knows none of the demo's people, so that it sees the user of the kubeconfig.
    cluster:
      cluster === undefined
        ? { name: 'own', kubeconfig: resolve(options.kubeconfig ?? ''), identity: 'shared' }
        : { name: 'demo', kubeconfig: cluster.kubeconfig, identity: 'impersonate' },
  })
  const log = pino({ level: 'info' }, pino.destination({ dest: join(folder, 'gateway.log'), sync: true }))
  const gateway = await startGateway(readConfig(config), log)
  undo.push(() => gateway.close())

  const expiresAt = Math.floor(Date.now() / 1000) + TOKEN_HOURS * 3600
  const alice = { subject: 'alice', groups: ['developers'], audience: AUDIENCE, expiresAt }
  const agentToken = await issuer.token({ ...alice, actor: 'claude-code' })
  const kubeconfig = await writeKubeconfig(
    join(folder, 'kubeconfig'),
    { name: 'sallyport', server: gateway.address, ca: gateway.ca },
    [
      { name: DEVELOPER, token: await issuer.token(alice) },
      { name: AGENT, token: agentToken },
    ],
  )
  const home = join(scratch, 'home')
  mkdirSync(home)
  const kubectl = await kubectlCaller(kubeconfig, AGENT, home)
  const own = { server: gateway.address, ca: readFileSync(gateway.ca, 'utf8'), token: agentToken }
  const call = kubectl ?? ownCaller(own)
  // kubectl has no way to say why.
  const ask = ownCaller({ ...own, intent: INTENT })
  const approver = join(folder, 'bob.token')
  const bob = await issuer.token({ subject: 'bob', groups: ['sre'], audience: AUDIENCE, expiresAt })
  writeFileSync(approver, bob, { mode: 0o600 })
  const client = kubectl === undefined ? "none on the PATH: the demo's own client stands in" : 'the one on the PATH'
  return { gateway, issuer, clusterUrl: cluster?.url, data, scratch, kubeconfig, call, ask, approver, client }
}

async function startDemoCluster(
  identity: { cert: string; key: string },
  ca: string,
  folder: string,
  scratch: string,
  undo: (() => unknown)[],
): Promise<{ url: string; kubeconfig: string }> {
  const token = randomBytes(32).toString('base64url')
  const cluster = await startCluster({ ...identity, token, folder: join(scratch, 'pods'), port: 0 })
  undo.push(() => cluster.close())
  undo.push(await seed(cluster.store))
  const server = { name: 'demo', server: cluster.url, ca }
  return {
    url: cluster.url,
    kubeconfig: await writeKubeconfig(join(folder, 'cluster.kubeconfig'), server, [{ name: 'gateway', token }]),
  }
}

function introduce(
  terminal: Terminal,
  { gateway, issuer, clusterUrl, data, client }: Stage,
  options: DemoOptions,
): void {
  terminal.title('Sallyport: a gateway between agents and Kubernetes that records first and fails closed')
  terminal.blank()
  terminal.facts([
    ['gateway', gateway.address],
    ['identity', `${issuer.url} (a development OIDC issuer)`],
    [
      'cluster',
      clusterUrl === undefined ? (options.kubeconfig ?? '') : `${clusterUrl} (a small Kubernetes API in this process)`,
    ],
    ['tapes', data],
    ['kubectl', client],
  ])
  if (clusterUrl !== undefined) {
    terminal.blank()
    terminal.note('Its pods are real processes: an exec runs on this machine as you, in a temporary folder.')
    if (!hasTerminals())
      terminal.note("This machine has no util-linux script(1): exec -it works, but without a terminal's line editing.")
  }
}

function sayHowToGoOn(terminal: Terminal, { gateway, data, kubeconfig, clusterUrl, approver }: Stage): void {
  terminal.title('Your turn: it stays up until Ctrl-C')
  terminal.blank()
  terminal.lines(`export KUBECONFIG='${kubeconfig}'`)
  if (clusterUrl === undefined) {
    terminal.lines(`kubectl --context ${AGENT} get pods -A           # an agent only reads`)
  } else {
    terminal.lines(
      'kubectl get pods',
      'kubectl exec -it shell -c main -- sh                    # alice herself',
      `kubectl --context ${AGENT} exec -it shell -c main -- sh    # her agent waits, until in another terminal bob says:`,
      `npx sallyport approvals ls --data '${data}'`,
      `npx sallyport approvals approve ID --token-file '${approver}' --data '${data}'`,
    )
  }
  terminal.blank()
  for (const command of ['ls', 'show last', 'play last', 'verify']) {
    terminal.lines(`npx sallyport tapes ${command} --data '${data}'`)
  }
  terminal.blank()
  const people = `alice (context ${DEVELOPER}), and claude-code for alice (context ${AGENT})`
  terminal.facts([
    ['tokens', `valid for ${TOKEN_HOURS} hours: ${people}`],
    ['policy', join(data, 'demo', 'policy.yaml')],
    ['admin', gateway.admin],
  ])
}

/** Resolves once somebody presses Enter, or the signal says that it is not needed. */
function enter(signal: AbortSignal): Promise<void> {
  const { stdin } = process
  return new Promise((done) => {
    const end = (): void => {
      stdin.off('data', end).pause()
      signal.removeEventListener('abort', end)
      done()
    }
    signal.addEventListener('abort', end)
    stdin.once('data', end).resume()
    if (signal.aborted) end()
  })
}

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const

/** Resolves at the first signal to stop; the second one ends the process. */
function interruption(undo: (() => unknown)[]): Promise<void> {
  return new Promise((done) => {
    const stop = (): void => done()
    for (const signal of SIGNALS) process.once(signal, stop)
    undo.push(() => {
      for (const signal of SIGNALS) process.off(signal, stop)
    })
  })
}
