// client-go and kubectl at work all at once through one gateway: informers, a metadata client, writers, 100 execs at a time
// and kubectls in loops. None may see an error, nothing may be missing, and all of it is on the tapes.

import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { after, before, describe, test } from 'node:test'
import { connect } from 'node:tls'
import { fileURLToPath } from 'node:url'
import { CHANNEL } from '../../protocols/kube/channels.ts'
import { Clients, type Line } from './support/clients.ts'
import { type Gateway, startGateway } from './support/gateway.ts'
import { kubectls, type Lab, startLab } from './support/lab.ts'
import { run } from './support/run.ts'
import { type ReadTape, readTapes } from './support/tapes.ts'

const BIN = fileURLToPath(new URL('../../bin/sallyport.js', import.meta.url))
const EXECS = 50
const WRITES = 300
const LOOPS = 3
const ROUNDS = 4
/** Created after all other configmaps are gone: who has seen it in a watch has been sent everything before it. */
const LAST = 'last-of-all'

const CLUSTERS = [
  { title: 'a cluster that keeps its connections', flags: [], goaway: false },
  {
    title: 'a cluster that ends connections, one in fifty requests',
    flags: ['-apiserver-arg=--goaway-chance=0.02'],
    goaway: true,
  },
] as const

for (const { title, flags, goaway } of CLUSTERS) {
  describe(title, () => {
    let lab: Lab
    let gateway: Gateway
    let users: Record<'root' | 'informer' | 'metadata' | 'writer' | 'websockets' | 'spdy' | 'looper' | 'strict', string>
    const execs: { user: string; line: Line }[] = []
    const calls = new Map<string, number>()
    let tapes: ReadTape[] = []
    const started: Clients[] = []
    const start = (...[kubeconfig, mode, ...args]: ConstructorParameters<typeof Clients>): Clients => {
      const clients = new Clients(kubeconfig, mode, ...args)
      started.push(clients)
      return clients
    }

    before(async () => {
      lab = await startLab(flags, goaway)
      gateway = await startGateway(lab)
      const admin = (user: string): Promise<string> => gateway.kubeconfig(user, ['admins'])
      users = {
        root: await admin('root'),
        informer: await admin('informer'),
        metadata: await admin('metadata'),
        writer: await admin('writer'),
        websockets: await admin('websockets'),
        spdy: await admin('spdy'),
        looper: await admin('looper'),
        strict: await gateway.kubeconfig('strict', ['strict', 'admins']),
      }
    })
    after(async () => {
      for (const clients of started) clients.kill()
      // Each is there only if its start has succeeded.
      await gateway?.stop()
      gateway?.remove()
      await lab?.stop()
    })

    if (goaway) {
      test('without the gateway, a client needs many connections', async () => {
        const clients = start(lab.adminKubeconfig, 'writes', '-prefix', 'straight', '-count', '200')
        await clients.end()
        assert.deepEqual(new Set(clients.calls.map((call) => call.protocol)), new Set(['HTTP/2.0']))
        // Of 800 answers about 16 end their connection; that none does has a chance of one in ten million.
        assert.ok(new Set(clients.calls.map((call) => call.connection)).size > 1)
      })
    }

    test('the gateway chooses HTTP/2 where it is offered', async () => {
      assert.equal(await negotiated(gateway), 'h2')
    })

    for (const kubectl of kubectls()) {
      test(`kubectl's API calls use HTTP/2: ${kubectl.split('/').at(-1)}`, async () => {
        const env = { KUBECONFIG: users.root, GODEBUG: 'http2debug=1' }
        const { code, err } = await run(kubectl, ['get', 'pods'], env)
        assert.equal(code, 0, err.toString())
        const paths = [...err.toString().matchAll(/http2: Transport encoding header ":path" = "([^"?]*)/g)]
        const called = paths.map(([, path]) => path)
        assert.ok(called.includes('/api/v1/namespaces/default/pods'), called.join(' '))
      })
    }

    test('all at once: no client sees an error, and no change is missed', async () => {
      const informer = start(users.informer, 'informer')
      const metadata = start(users.metadata, 'metadata')
      const watchers = [informer, metadata]
      await Promise.all(watchers.map((clients) => clients.seen((line) => line.event === 'synced')))

      const writer = start(users.writer, 'writes', '-count', String(WRITES))
      const websockets = start(users.websockets, 'execs', '-count', String(EXECS))
      const spdy = start(users.spdy, 'execs', '-spdy', '-count', String(EXECS))
      await Promise.all([
        writer.end(),
        websockets.end(),
        spdy.end(),
        ...Array.from({ length: LOOPS }, (_, n) => loop(n, n === 0 ? users.strict : users.looper)),
      ])
      await kubectlOk(users.root, 'create', 'configmap', LAST)
      for (const clients of watchers) {
        await clients.seen(({ event, name }) => event === 'add' && name === LAST)
        for (let n = 0; n < LOOPS; n++) {
          // Pods have a watch of their own.
          await clients.seen(({ event, resource, name }) => `${event} ${resource} ${name}` === `delete pods loop-${n}`)
        }
        await clients.end()
      }

      for (const clients of watchers) {
        const changed = new Map([...clients.changes('configmaps', 'write-'), ...clients.changes('configmaps', 'loop-')])
        assert.equal(changed.size, WRITES + LOOPS * ROUNDS)
        for (const [name, events] of changed) assert.deepEqual(events, ['add', 'update', 'delete'], name)
        const pods = [...clients.changes('pods', 'loop-').values()]
        assert.equal(pods.length, LOOPS)
        for (const events of pods) {
          assert.deepEqual([events[0], events.at(-1)], ['add', 'delete'])
          assert.deepEqual(new Set(events.slice(1, -1)), new Set(['update']))
        }
        // One watch a resource, from the first object to the last change, with the list in it.
        const watches = clients.calls.filter((call) => call.query?.includes('watch=true'))
        assert.deepEqual(watches.map((call) => call.path).sort(), ['/api/v1/configmaps', '/api/v1/pods'])
        for (const { query, type } of watches) {
          assert.match(query ?? '', /sendInitialEvents=true/)
          assert.equal(type, 'application/vnd.kubernetes.protobuf;stream=watch')
        }
      }
      const listed = metadata.lines.filter((line) => line.event === 'listed')
      assert.deepEqual(
        listed.map(({ resource, count = 0 }) => [resource, count > 0]),
        [
          ['pods', true],
          ['configmaps', true],
        ],
      )
      assert.equal(informer.calls.length, 2)
      assert.equal(metadata.calls.length, 4)
      assert.equal(writer.calls.length, 4 * WRITES)
      for (const [user, clients] of Object.entries({ informer, metadata, writer })) {
        calls.set(`oidc:${user}`, clients.calls.length)
        assert.deepEqual(new Set(clients.calls.map((call) => call.protocol)), new Set(['HTTP/2.0']), user)
        // The cluster's GOAWAYs are the gateway's affair.
        assert.equal(new Set(clients.calls.map((call) => call.connection)).size, 1, user)
      }
      for (const [user, clients] of Object.entries({ websockets, spdy })) {
        const lines = clients.lines.filter((line) => line.event === 'exec')
        assert.equal(lines.length, EXECS)
        for (const line of lines) execs.push({ user: `oidc:${user}`, line })
      }
    })

    test('every call and every byte of the execs is on the tapes, and they verify', async () => {
      assert.equal(await gateway.stop(), 0, gateway.log())
      tapes = await readTapes(gateway.data)
      assert.equal(execs.length, 2 * EXECS)
      for (const { user, line } of execs) {
        const tape = tapes.find((other) => other.user === user && other.command === line.command)
        assert.ok(tape, `no tape for ${user} ${line.command}`)
        assert.equal(sha256(tape.channel(CHANNEL.STDIN)), line.stdin)
        assert.equal(sha256(tape.channel(CHANNEL.STDOUT)), line.stdout)
        assert.equal(sha256(tape.channel(CHANNEL.STDERR)), line.stderr)
      }
      assert.equal(calls.size, 3)
      for (const [user, count] of calls) {
        assert.equal(auditIds(tapes, user).length, count, user)
      }
      const verified = await run(process.execPath, [BIN, 'tapes', 'verify', '--data', gateway.data])
      assert.equal(verified.code, 0, verified.out.toString() + verified.err.toString())
    })

    if (goaway) {
      test('the gateway called the cluster over HTTP/2, where connections are ended', () => {
        // The API server answers with the Audit-Id that the gateway has sent and taped.
        const answers = readFileSync(lab.http2Log, 'utf8').matchAll(/server encoding header "audit-id" = "([^"]+)"/g)
        const overHttp2 = new Set(Array.from(answers, ([, id]) => id))
        const sent = auditIds(tapes, 'oidc:writer')
        assert.equal(sent.length, 4 * WRITES)
        assert.equal(sent.filter((id) => overHttp2.has(id)).length, sent.length)
      })
    }
  })
}

/** Of each request that a user has made. */
function auditIds(tapes: readonly ReadTape[], user: string): string[] {
  const ids: string[] = []
  for (const { entries } of tapes) {
    for (const entry of entries) {
      if (entry.kind === 'request' && entry.body.principal?.user === user) ids.push(entry.body.auditId)
    }
  }
  return ids
}

/** One kubectl after the other: a pod that comes and goes, and configmaps. */
async function loop(n: number, kubeconfig: string): Promise<void> {
  const pod = `loop-${n}`
  await kubectlOk(kubeconfig, 'run', pod, '--image=x', '--restart=Never', '--command', '--', 'sleep', 'infinity')
  for (let round = 0; round < ROUNDS; round++) {
    const name = `loop-${n}-${round}`
    await kubectlOk(kubeconfig, 'create', 'configmap', name, `--from-literal=round=${round}`)
    const object = await kubectlOk(kubeconfig, 'get', 'configmap', name, '-o', 'jsonpath={.data.round}')
    assert.equal(object, String(round))
    await kubectlOk(kubeconfig, 'annotate', 'configmap', name, 'seen=yes')
    await kubectlOk(kubeconfig, 'delete', 'configmap', name)
  }
  await kubectlOk(kubeconfig, 'wait', '--for=condition=Ready', `pod/${pod}`, '--timeout=30s')
  await kubectlOk(kubeconfig, 'delete', 'pod', pod, '--now')
}

let turn = 0

/** The output of a kubectl, each of them in turn, that must succeed. */
async function kubectlOk(kubeconfig: string, ...args: string[]): Promise<string> {
  const all = kubectls()
  const { code, out, err } = await run(all[turn++ % all.length] as string, args, { KUBECONFIG: kubeconfig })
  assert.equal(code, 0, `${args.join(' ')}: ${err.toString()}`)
  return out.toString()
}

/** What the gateway chooses by ALPN when it is offered what client-go offers. */
function negotiated(gateway: Gateway): Promise<string | false | null> {
  const { hostname, port } = new URL(gateway.address)
  return new Promise((resolve, reject) => {
    const socket = connect(
      { host: hostname, port: Number(port), ca: readFileSync(gateway.ca), ALPNProtocols: ['h2', 'http/1.1'] },
      () => {
        resolve(socket.alpnProtocol)
        socket.destroy()
      },
    )
    socket.once('error', reject)
  })
}

function sha256(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex')
}
