// Streams of real kubectl through the gateway, over WebSocket and SPDY: what was masked in a Secret is masked in exec, cp,
// logs and port-forward too, with all lengths as they were; the pod gets what it is sent, and so does an exempt caller.

import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { after, before, describe, test } from 'node:test'
import { type Gateway, startGateway } from './support/gateway.ts'
import { kubectls, type Lab, startLab } from './support/lab.ts'
import { type Ran, run } from './support/run.ts'
import { readTapes } from './support/tapes.ts'

const VALUE = 'tr0ub4dor-3-staple-Kz9w'
const SECRET = { apiVersion: 'v1', kind: 'Secret', metadata: { name: 'learned', namespace: 'default' } }
/** Said in its log twice a second. */
const TALKER = podThat(
  'talker',
  `while :; do printf 'the password is tr0ub4dor-'; echo '3-staple-Kz9w.'; sleep 0.5; done`,
)
const KEY_LINE = 'aB3dE6gH9jK2mN5pQ8sT1vW4xY7zA0cD'
const KEEPER = podThat(
  'keeper',
  `echo '-----BEGIN PRIVATE KEY-----'; echo ${KEY_LINE}; echo '-----END PRIVATE KEY-----'; sleep 600`,
)
const FILE = `first\npassword: ${VALUE}\nlast\n`
const TRANSPORTS = [
  ['WebSocket', {}],
  ['SPDY', { KUBECTL_REMOTE_COMMAND_WEBSOCKETS: 'false', KUBECTL_PORT_FORWARD_WEBSOCKETS: 'false' }],
] as const

function isIn(bytes: Uint8Array | string): boolean {
  const text = Buffer.from(bytes as string).toString('latin1')
  const inner = [0, 1, 2].map((at) => Buffer.from(VALUE.slice(at)).toString('base64').slice(0, 24))
  return [VALUE, VALUE.slice(4, 16), Buffer.from(VALUE).toString('hex'), ...inner].some((form) => text.includes(form))
}

describe('streams, masked', () => {
  let lab: Lab
  let gateway: Gateway
  let folder: string
  let masked: string
  let exempt: string
  const kubectl = kubectls()[0] as string
  const as = (kubeconfig: string, args: readonly string[], env = {}, input = ''): Promise<Ran> =>
    run(kubectl, args, { ...env, KUBECONFIG: kubeconfig }, Buffer.from(input))
  const ok = async (kubeconfig: string, args: readonly string[], env = {}, input = ''): Promise<Buffer> => {
    const { code, out, err } = await as(kubeconfig, args, env, input)
    assert.equal(code, 0, `${args.join(' ')}: ${err}`)
    return out
  }
  const inPod = (command: readonly string[], input = '') =>
    ok(lab.adminKubeconfig, ['exec', '-i', 'shell', '-c', 'main', '--', ...command], {}, input)

  before(async () => {
    folder = mkdtempSync(join(tmpdir(), 'sallyport-masked-streams-'))
    lab = await startLab()
    gateway = await startGateway(lab)
    masked = await gateway.kubeconfig('agent', ['admins'])
    exempt = await gateway.kubeconfig('keeper', ['admins', 'unmasked'])
    const secret = JSON.stringify({ ...SECRET, stringData: { password: VALUE } })
    await ok(lab.adminKubeconfig, ['apply', '-f', '-'], {}, secret)
    await ok(lab.adminKubeconfig, ['apply', '-f', '-'], {}, JSON.stringify(TALKER))
    await inPod(['sh', '-c', 'cat > learned.txt'], FILE)
    await ok(lab.adminKubeconfig, ['apply', '-f', '-'], {}, JSON.stringify(KEEPER))
    await ok(lab.adminKubeconfig, ['wait', '--for=condition=Ready', 'pod/talker', 'pod/keeper', '--timeout=60s'])
    assert.equal(isIn(await ok(masked, ['get', 'secret', 'learned', '-o', 'yaml'])), false)
  })
  after(async () => {
    await gateway?.stop()
    gateway?.remove()
    await lab?.stop()
    rmSync(folder, { recursive: true, force: true })
  })

  for (const [name, env] of TRANSPORTS) {
    for (const [what, command] of [
      ['cat', ['cat', 'learned.txt']],
      ['base64', ['base64', 'learned.txt']],
      ['base64 -w1', ['base64', '-w', '1', 'learned.txt']],
      ['env', ['sh', '-c', 'DB_PASSWORD=$(sed -n "s/password: //p" learned.txt) env']],
      ['od', ['sh', '-c', 'od -An -v -tx1 learned.txt | tr -d " \\n"']],
    ] as const) {
      test(`${name}: exec of ${what} does not show it, and is as long as it was`, async () => {
        const args = ['exec', 'shell', '-c', 'main', '--', ...command]
        const original = await ok(exempt, args, env)
        const shown = await ok(masked, args, env)
        const [before, after] = [original, shown].map((bytes) => bytes.toString().replaceAll(/(?<=^.)\n/gm, ''))
        assert.equal(isIn(before as string), true)
        assert.equal(isIn(after as string), false, after)
        assert.equal(shown.length, original.length)
      })
    }

    test(`${name}: a command’s exit code and both of its outputs stay apart`, async () => {
      const script = 'printf tr0ub4dor-; printf 3-staple-Kz9w >&2; cat learned.txt >&2; exit 7'
      const { code, out, err } = await as(masked, ['exec', 'shell', '-c', 'main', '--', 'sh', '-c', script], env)
      assert.equal(code, 7)
      assert.equal(isIn(err), false)
      assert.match(err.toString(), /password: ~mask~~+\nlast\n/)
      assert.equal(out.length, 'tr0ub4dor-'.length)
    })

    test(`${name}: a terminal does not show it either`, async () => {
      const line = [kubectl, 'exec', '-it', 'shell', '-c', 'main', '--', 'cat', 'learned.txt'].join(' ')
      const { out } = await run('script', ['-qec', line, '/dev/null'], { ...env, KUBECONFIG: masked })
      assert.equal(isIn(out), false)
      assert.match(out.toString(), /first\r\npassword: ~mask~~+\r\nlast\r\n/)
    })

    test(`${name}: cp out keeps the length and the archive sound, cp in keeps every byte`, async () => {
      const down = join(folder, `down-${name}`)
      await ok(masked, ['cp', 'shell:learned.txt', down, '-c', 'main'], env)
      const copied = readFileSync(down, 'utf8')
      assert.equal(isIn(copied), false)
      assert.equal(copied.length, FILE.length)
      assert.match(copied, /^first\npassword: ~mask~~+\nlast\n$/)
      const up = join(folder, `up-${name}`)
      writeFileSync(up, FILE)
      await ok(masked, ['cp', up, `shell:up-${name}.txt`, '-c', 'main'], env)
      assert.equal((await inPod(['cat', `up-${name}.txt`])).toString(), FILE)
    })

    test(`${name}: a forwarded port sends it on and does not show what comes back`, async () => {
      for (const [kubeconfig, shows] of [
        [exempt, true],
        [masked, false],
      ] as const) {
        const { child, port } = await forward(kubectl, { ...env, KUBECONFIG: kubeconfig })
        const answer = await fetch(`http://127.0.0.1:${port}/echo`, { method: 'POST', body: FILE })
        const text = await answer.text()
        child.kill()
        assert.equal(text.length, FILE.length)
        assert.equal(isIn(text), shows)
      }
    })
  }

  test('logs do not show it, whole or as they are followed', async () => {
    assert.equal(isIn(await ok(exempt, ['logs', 'talker', '--tail=2'])), true)
    const all = await ok(masked, ['logs', 'talker', '--tail=2'])
    assert.equal(isIn(all), false)
    assert.match(all.toString(), /^the password is ~mask~~+\.$/m)
    const { out } = await run('timeout', ['3', kubectl, 'logs', '-f', '--tail=1', 'talker'], { KUBECONFIG: masked })
    assert.equal(isIn(out), false)
    assert.ok(out.toString().split('\n').length >= 4, out.toString())
  })

  test('timestamps before a log’s lines do not hide a key of several lines', async () => {
    const args = ['logs', 'keeper', '--timestamps']
    assert.equal((await ok(exempt, args)).includes(KEY_LINE), true)
    const shown = (await ok(masked, args)).toString()
    assert.equal(shown.includes(KEY_LINE), false)
    assert.match(
      shown,
      /^\d{4}-\S+Z -----BEGIN PRIVATE KEY-----\n\d{4}-\S+Z ~mask~~+\n\d{4}-\S+Z -----END PRIVATE KEY-----\n$/,
    )
  })

  test('it is in no file of the store, whoever it was shown to, and the tapes say what was masked', async () => {
    await gateway.stop()
    const tapes = await readTapes(gateway.data)
    const kinds = new Set(
      tapes.filter(({ entries }) => entries.some(({ kind }) => kind === 'masked')).map(({ kind }) => kind),
    )
    assert.deepEqual([...kinds].sort(), ['api', 'exec', 'portforward'])
    for (const file of readdirSync(gateway.data, { recursive: true, withFileTypes: true })) {
      if (file.isFile()) assert.equal(isIn(readFileSync(join(file.parentPath, file.name))), false, file.name)
    }
  })
})

function podThat(name: string, script: string): object {
  const containers = [{ name: 'main', image: 'lab', command: ['sh', '-c', script] }]
  return { apiVersion: 'v1', kind: 'Pod', metadata: { name, namespace: 'default' }, spec: { containers } }
}

/** A forwarded port of the web service, once it listens. */
async function forward(kubectl: string, env: Record<string, string>): Promise<{ child: ChildProcess; port: string }> {
  const child = spawn(kubectl, ['port-forward', 'svc/web', ':80'], { env: { ...process.env, ...env } })
  for await (const line of createInterface(child.stdout)) {
    const port = /127\.0\.0\.1:(\d+) ->/.exec(line)?.[1]
    if (port !== undefined) return { child, port }
  }
  throw new Error('the port-forward did not come about')
}
