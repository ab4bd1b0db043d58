// Unmodified kubectl through the gateway to a real kube-apiserver: the 20 checks of verify.sh with every kubectl at hand,
// and for each exec the tape's bytes beside those that were sent and received.

import assert from 'node:assert/strict'
import { createHash, randomBytes } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { after, before, describe, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { CHANNEL } from '../../protocols/kube/channels.ts'
import { type Gateway, startGateway } from './support/gateway.ts'
import { kubectls, type Lab, startLab } from './support/lab.ts'
import { type Ran, run } from './support/run.ts'
import { type ReadTape, readTapes } from './support/tapes.ts'

const VERIFY = fileURLToPath(new URL('./cluster/verify.sh', import.meta.url))
const BIN = fileURLToPath(new URL('../../bin/sallyport.js', import.meta.url))
const SPDY = { KUBECTL_REMOTE_COMMAND_WEBSOCKETS: 'false', KUBECTL_PORT_FORWARD_WEBSOCKETS: 'false' }

function sha256(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex')
}

const MODES = [
  { title: 'the kubelet takes WebSockets', flags: [], all: true },
  {
    title: 'an older kubelet: the API server turns WebSockets to SPDY',
    flags: ['-kubelet-websockets=false'],
    all: true,
  },
  // What it changes has to do with HTTP/2, not with the version of kubectl or its streams' transport: one of each.
  {
    title: 'the API server ends connections, one in fifty requests',
    flags: ['-apiserver-arg=--goaway-chance=0.02'],
    all: false,
  },
] as const

for (const [mode, { title, flags, all }] of MODES.entries()) {
  const clients = all ? kubectls() : kubectls().slice(0, 1)
  describe(title, () => {
    let lab: Lab
    let gateway: Gateway
    let admin: string
    /** What each exec of ours sent and received, to be found again on the tapes. */
    let users = 0
    const sent: { command: string; user: string; stdin: Buffer; out: Buffer; err: Buffer; tty: boolean }[] = []

    before(async () => {
      lab = await startLab(flags)
      gateway = await startGateway(lab)
      // verify.sh compares a Secret's value.
      admin = await gateway.kubeconfig('root', ['admins', 'unmasked'])
    })
    after(async () => {
      // Each is there only if its start has succeeded.
      await gateway?.stop()
      gateway?.remove()
      await lab?.stop()
    })

    for (const kubectl of clients) {
      const name = kubectl.split('/').at(-1)
      test(`verify.sh, ${name}`, async () => {
        const { code, out } = await run('bash', [VERIFY, kubectl, admin])
        assert.equal(code, 0, out.toString())
      })
      // The switch turns the client to SPDY; what the kubelet takes is then no matter.
      if (mode === 0) {
        test(`verify.sh over SPDY, ${name}`, async () => {
          const { code, out } = await run('bash', [VERIFY, kubectl, admin], SPDY)
          assert.equal(code, 0, out.toString())
        })
      }
    }

    for (const kubectl of clients) {
      for (const env of all ? [{}, SPDY] : [{}]) {
        for (const group of all ? ['admins', 'strict'] : ['admins']) {
          const user = `u${++users}-${group}-${kubectl.split('/').at(-1)}-${env === SPDY ? 'spdy' : 'ws'}-${mode}`
          test(`execs for their tapes: ${user}`, async () => {
            const kubeconfig = await gateway.kubeconfig(user, group === 'strict' ? ['strict', 'admins'] : [group])
            const exec = async (args: string[], command: string[], stdin: Buffer, tty = false): Promise<Ran> => {
              const words = ['exec', ...args, 'shell', '-c', 'main', '--', ...command]
              const kubectlEnv = { ...env, KUBECONFIG: kubeconfig }
              const ran = tty
                ? await run('script', ['-qec', [kubectl, ...words].join(' '), '/dev/null'], kubectlEnv, stdin)
                : await run(kubectl, words, kubectlEnv, stdin)
              sent.push({ command: command.join(' '), user: `oidc:${user}`, stdin, out: ran.out, err: ran.err, tty })
              return ran
            }
            const blob = randomBytes(3_000_000)
            const echoed = await exec(['-i'], ['cat'], blob)
            assert.equal(echoed.code, 0, echoed.err.toString())
            assert.equal(sha256(echoed.out), sha256(blob))
            const both = await exec([], ['sh', '-c', 'echo out; echo err >&2; exit 7'], Buffer.alloc(0))
            assert.equal(both.code, 7)
            const terminal = await exec(['-it'], ['tty'], Buffer.alloc(0), true)
            assert.match(terminal.out.toString(), /\/dev\/pts/)
          })
        }
      }
    }

    test('a denied write is one clear sentence, and the rule is in it', async () => {
      const kubeconfig = await gateway.kubeconfig('dev', ['developers'])
      const kubectl = kubectls()[0] as string
      const { code, err } = await run(kubectl, ['delete', 'pod', 'shell'], { KUBECONFIG: kubeconfig })
      assert.equal(code, 1)
      assert.match(err.toString(), /Forbidden|forbidden/)
      const exec = await run(kubectl, ['exec', 'shell', '--', 'sh'], { KUBECONFIG: kubeconfig })
      assert.equal(exec.code, 1)
      assert.match(exec.err.toString(), /sallyport|rule|policy/i)
    })

    test("the cluster's audit log names the caller and the tape", async () => {
      const kubeconfig = await gateway.kubeconfig('auditee', ['admins'], { act: 'agent-7' })
      const kubectl = kubectls()[0] as string
      const { code, err } = await run(kubectl, ['get', 'pods'], { KUBECONFIG: kubeconfig })
      assert.equal(code, 0, err.toString())
      const user = 'oidc:auditee'
      const line = await found(() =>
        readFileSync(lab.auditLog, 'utf8')
          .split('\n')
          .find((text) => text.includes(`"username":"${user}"`) && text.includes('"resource":"pods"')),
      )
      const event = JSON.parse(line) as { auditID: string; impersonatedUser: { extra: Record<string, string[]> } }
      assert.match(event.impersonatedUser.extra['sallyport-tape']?.[0] ?? '', /^[0-9A-Z]{26}$/)
      assert.deepEqual(event.impersonatedUser.extra['sallyport-actor'], ['agent-7'])
      assert.match(event.auditID, /^[0-9a-f-]{36}$/)
    })

    test('a stream is cut within a second of its token’s expiry, and the tape says why', async () => {
      const seconds = 4
      const kubeconfig = await gateway.kubeconfig('brief', ['admins'], { seconds })
      const kubectl = kubectls()[0] as string
      const began = Date.now()
      const { code } = await run(kubectl, ['exec', 'shell', '-c', 'main', '--', 'sleep', '30'], {
        KUBECONFIG: kubeconfig,
      })
      const took = Date.now() - began
      assert.notEqual(code, 0)
      // The token's time is in whole seconds, cut off: it may have begun up to one earlier.
      assert.ok(took > (seconds - 2) * 1000 && took < (seconds + 1.5) * 1000, `${took} ms`)
    })

    test('every exec is on its tape byte for byte, and every tape verifies', async () => {
      assert.equal(await gateway.stop(), 0, gateway.log())
      const tapes = await readTapes(gateway.data)
      assert.ok(sent.length > 0)
      for (const exec of sent) {
        const tape = tapes.find((other) => other.user === exec.user && other.command === exec.command)
        assert.ok(tape, `no tape for ${exec.user} ${exec.command}`)
        compare(tape, exec)
      }
      const brief = tapes.find((tape) => tape.user === 'oidc:brief' && tape.kind === 'exec')
      assert.equal(brief?.sealed, 'token expired')
      const verified = await run(process.execPath, [BIN, 'tapes', 'verify', '--data', gateway.data])
      assert.equal(verified.code, 0, verified.out.toString() + verified.err.toString())
    })
  })
}

function compare(tape: ReadTape, exec: { stdin: Buffer; out: Buffer; err: Buffer; tty: boolean }): void {
  if (exec.tty) {
    // The local terminal may add its own echo; what the pod wrote is all in it.
    assert.ok(exec.out.includes(tape.channel(CHANNEL.STDOUT).toString().trimEnd()))
    assert.ok(tape.channel(CHANNEL.RESIZE).length > 0, 'the terminal’s size is on the tape')
    return
  }
  assert.equal(sha256(tape.channel(CHANNEL.STDIN)), sha256(exec.stdin))
  assert.equal(sha256(tape.channel(CHANNEL.STDOUT)), sha256(exec.out))
  // kubectl adds a line of its own about the exit status.
  assert.ok(exec.err.toString().startsWith(tape.channel(CHANNEL.STDERR).toString()))
}

/** Looks until it is there: the audit log is written right after the answer. */
async function found(look: () => string | undefined): Promise<string> {
  for (let tries = 0; tries < 50; tries++) {
    const line = look()
    if (line !== undefined) return line
    await new Promise((resolve) => setTimeout(resolve, 100))
  }
  throw new Error('it did not come')
}
